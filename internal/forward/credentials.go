package forward

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"stepwell/internal/awsapi/sts"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/wire/sigv4"
)

// grant is credentials with their end; zero: they have none.
type grant struct {
	sigv4.Credentials
	expires time.Time
}

// early is how long before their end credentials are made anew.
const early = 5 * time.Minute

// source gives the credentials of a profile, and makes them anew before they end.
type source struct {
	env     Environment
	profile string
	now     func() time.Time
	assume  func(ctx context.Context, as sigv4.Credentials, region string, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error)

	mu   sync.Mutex
	last grant
}

// get returns credentials that are good for a while. fresh wants others than the
// last ones, which were refused as expired.
func (s *source) get(ctx context.Context, fresh bool) (sigv4.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !fresh && s.last.AccessKey != "" && (s.last.expires.IsZero() || s.now().Add(early).Before(s.last.expires)) {
		return s.last.Credentials, nil
	}
	g, err := s.resolve(ctx)
	switch {
	case err != nil && !fresh && s.now().Before(s.last.expires):
		return s.last.Credentials, nil // good for a few minutes still
	case err != nil:
		return sigv4.Credentials{}, err
	}
	s.last = g
	return g.Credentials, nil
}

// region is the profile's region, "" where it has none.
func (s *source) region() (string, error) {
	all, err := s.env.profiles()
	if err != nil {
		return "", err
	}
	return all[s.name()]["region"], nil
}

// name is the profile that the source reads.
func (s *source) name() string {
	return cmp.Or(s.profile, s.env.Getenv("AWS_PROFILE"), s.env.Getenv("AWS_DEFAULT_PROFILE"), "default")
}

func (s *source) resolve(ctx context.Context) (grant, error) {
	if s.profile == "" {
		if g, ok := s.env.keys(); ok {
			return g, nil
		}
	}
	all, err := s.env.profiles()
	if err != nil {
		return grant{}, err
	}
	return s.ofProfile(ctx, all, s.name(), map[string]bool{})
}

// keys are the credentials in the environment's variables. An access key that is an
// account id is one that only servers like this take (`stepwell env`).
func (e Environment) keys() (grant, bool) {
	id, secret := e.Getenv("AWS_ACCESS_KEY_ID"), e.Getenv("AWS_SECRET_ACCESS_KEY")
	return grant{Credentials: sigv4.Credentials{AccessKey: id, SecretKey: secret, SessionToken: e.Getenv("AWS_SESSION_TOKEN")}}, id != "" && secret != "" && !bus.IsAccount(id)
}

// refusedSettings are ways to credentials that are not there.
var refusedSettings = []struct{ setting, what string }{
	{"mfa_serial", "MFA"},
	{"web_identity_token_file", "web identities"},
}

// ofProfile gives the credentials of a profile. seen are the profiles on the way
// to it.
func (s *source) ofProfile(ctx context.Context, all map[string]profile, name string, seen map[string]bool) (grant, error) {
	p, ok := all[name]
	if !ok {
		return grant{}, fmt.Errorf("the AWS configuration has no profile %q", name)
	}
	for _, r := range refusedSettings {
		if p[r.setting] != "" {
			return grant{}, awserr.NotImplemented("AWS profile " + name + " with " + r.setting + " (" + r.what + ")")
		}
	}
	static := grant{Credentials: sigv4.Credentials{AccessKey: p["aws_access_key_id"], SecretKey: p["aws_secret_access_key"], SessionToken: p["aws_session_token"]}}
	switch {
	case p["role_arn"] != "" && !seen[name]:
		seen[name] = true
		return s.role(ctx, all, name, seen)
	case static.AccessKey != "" && static.SecretKey != "":
		return static, nil
	case p["role_arn"] != "":
		return grant{}, fmt.Errorf("the AWS profile %q is its own source_profile and has no keys", name)
	case p["credential_process"] != "":
		return run(ctx, p["credential_process"])
	case p["sso_session"] != "" || p["sso_start_url"] != "" || p["sso_account_id"] != "":
		return grant{}, awserr.NotImplemented("AWS profile " + name + " with IAM Identity Center (SSO); `aws configure export-credentials` as its credential_process gives its keys")
	}
	return grant{}, fmt.Errorf("the AWS profile %q has no credentials", name)
}

// role assumes the role of a profile with the credentials of another.
func (s *source) role(ctx context.Context, all map[string]profile, name string, seen map[string]bool) (grant, error) {
	p := all[name]
	var base grant
	var err error
	switch kind := p["credential_source"]; {
	case p["source_profile"] != "":
		base, err = s.ofProfile(ctx, all, p["source_profile"], seen)
	case kind == "Environment":
		var ok bool
		if base, ok = s.env.keys(); !ok {
			err = fmt.Errorf("the AWS profile %q wants credentials from the environment: there are none", name)
		}
	case kind != "":
		err = awserr.NotImplemented("AWS profile " + name + " with credential_source " + kind)
	default:
		err = fmt.Errorf("the AWS profile %q has role_arn but neither source_profile nor credential_source", name)
	}
	if err != nil {
		return grant{}, err
	}
	in := &sts.AssumeRoleInput{RoleArn: new(p["role_arn"]), RoleSessionName: new(cmp.Or(p["role_session_name"], "stepwell"))}
	if id := p["external_id"]; id != "" {
		in.ExternalId = &id
	}
	if text := p["duration_seconds"]; text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return grant{}, fmt.Errorf("the AWS profile %q has a duration_seconds that is no number: %q", name, text)
		}
		in.DurationSeconds = &n
	}
	out, err := s.assume(ctx, base.Credentials, cmp.Or(p["region"], all[p["source_profile"]]["region"], "us-east-1"), in)
	if err != nil {
		return grant{}, fmt.Errorf("cannot assume the role of the AWS profile %q: %w", name, err)
	}
	c := out.Credentials
	return grant{sigv4.Credentials{AccessKey: *c.AccessKeyId, SecretKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}, *c.Expiration}, nil
}

// processLimit is how long a credential_process may take.
const processLimit = time.Minute

// run asks a program for credentials ("Sourcing credentials with an external
// process").
func run(ctx context.Context, command string) (grant, error) {
	ctx, cancel := context.WithTimeout(ctx, processLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.WaitDelay = time.Second
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		return grant{}, fmt.Errorf("cannot run the credential_process: %w: %s", err, bytes.TrimSpace(errout.Bytes()))
	}
	var said struct {
		Version                                    int
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 *time.Time
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return grant{}, errors.New("cannot use the credential_process: its output is no JSON object of credentials")
	}
	if said.Version != 1 || said.AccessKeyId == "" || said.SecretAccessKey == "" {
		return grant{}, errors.New("cannot use the credential_process: it gave no credentials of Version 1")
	}
	g := grant{Credentials: sigv4.Credentials{AccessKey: said.AccessKeyId, SecretKey: said.SecretAccessKey, SessionToken: said.SessionToken}}
	if said.Expiration != nil {
		g.expires = *said.Expiration
	}
	return g, nil
}
