package forward

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/sts"
	"stepwell/internal/wire/sigv4"
)

const configFile = `
# comment
[default]
region = eu-central-1
output = json
[profile prod]
region=eu-west-1
s3 =
  max_concurrent_requests = 20
  region = not-this
[profile etl]
role_arn = arn:aws:iam::111122223333:role/etl
source_profile = prod
external_id = x
duration_seconds = 900
[profile chained]
role_arn = arn:aws:iam::111122223333:role/second
source_profile = etl
role_session_name = me
[profile own]
role_arn = arn:aws:iam::111122223333:role/own
source_profile = own
aws_access_key_id = AKIAOWN
aws_secret_access_key = own # not the secret
[profile loop]
role_arn = arn:aws:iam::111122223333:role/loop
source_profile = loop
[profile env]
role_arn = arn:aws:iam::111122223333:role/env
credential_source = Environment
[profile ec2]
role_arn = arn:aws:iam::111122223333:role/ec2
credential_source = Ec2InstanceMetadata
[profile bare]
role_arn = arn:aws:iam::111122223333:role/bare
[profile sso]
sso_session = corp
[sso-session corp]
sso_start_url = https://x
[profile mfa]
role_arn = arn:aws:iam::111122223333:role/mfa
source_profile = prod
mfa_serial = arn:aws:iam::111122223333:mfa/me
[profile web]
role_arn = arn:aws:iam::111122223333:role/web
web_identity_token_file = /token
[profile process]
credential_process = echo '{"Version": 1, "AccessKeyId": "AKIAPROC", "SecretAccessKey": "proc", "SessionToken": "t", "Expiration": "2026-01-01T01:00:00Z"}'
[profile failing]
credential_process = echo no >&2; exit 3
[profile oldprocess]
credential_process = echo '{"Version": 2}'
[profile empty]
region = us-east-2
`

const credentialsFile = `
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default
[prod]
aws_access_key_id = AKIAPROD
aws_secret_access_key = pr=od
aws_session_token = token
`

// TestProfiles resolves profiles. want is "key secret token (region)", with the
// roles assumed on the way, or the error.
func TestProfiles(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config": configFile, "credentials": credentialsFile} {
		if err := os.WriteFile(filepath.Join(home, ".aws", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env"}
	for _, c := range []struct {
		profile string
		env     map[string]string
		want    string
	}{
		{"", nil, "AKIADEFAULT default  (eu-central-1)"},
		{"", keys, "AKIAENV env  (eu-central-1)"},
		{"", map[string]string{"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "x"}, "AKIADEFAULT default  (eu-central-1)"},
		{"", map[string]string{"AWS_PROFILE": "prod"}, "AKIAPROD pr=od token (eu-west-1)"},
		{"prod", keys, "AKIAPROD pr=od token (eu-west-1)"},
		{"etl", nil, "[AKIAPROD eu-west-1 arn:aws:iam::111122223333:role/etl stepwell x 900] ASIA1 s1 t1 ()"},
		{"chained", nil, "[AKIAPROD eu-west-1 arn:aws:iam::111122223333:role/etl stepwell x 900] [ASIA1 us-east-1 arn:aws:iam::111122223333:role/second me] ASIA2 s2 t2 ()"},
		{"own", nil, "[AKIAOWN us-east-1 arn:aws:iam::111122223333:role/own stepwell] ASIA1 s1 t1 ()"},
		{"loop", nil, `error: the AWS profile "loop" is its own source_profile and has no keys`},
		{"env", keys, "[AKIAENV us-east-1 arn:aws:iam::111122223333:role/env stepwell] ASIA1 s1 t1 ()"},
		{"env", nil, `error: the AWS profile "env" wants credentials from the environment: there are none`},
		{"ec2", nil, "error: NotImplemented: not implemented: AWS profile ec2 with credential_source Ec2InstanceMetadata"},
		{"bare", nil, `error: the AWS profile "bare" has role_arn but neither source_profile nor credential_source`},
		{"sso", nil, "error: NotImplemented: not implemented: AWS profile sso with IAM Identity Center (SSO); `aws configure export-credentials` as its credential_process gives its keys"},
		{"mfa", nil, "error: NotImplemented: not implemented: AWS profile mfa with mfa_serial (MFA)"},
		{"web", nil, "error: NotImplemented: not implemented: AWS profile web with web_identity_token_file (web identities)"},
		{"process", nil, "AKIAPROC proc t ()"},
		{"failing", nil, "error: cannot run the credential_process: exit status 3: no"},
		{"oldprocess", nil, "error: cannot use the credential_process: it gave no credentials of Version 1"},
		{"empty", nil, `error: the AWS profile "empty" has no credentials`},
		{"none", nil, `error: the AWS configuration has no profile "none"`},
	} {
		var got []string
		s := &source{env: Environment{Getenv: func(name string) string { return c.env[name] }, Home: home}, profile: c.profile, now: time.Now}
		n := 0
		s.assume = func(_ context.Context, as sigv4.Credentials, region string, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			n++
			said := []string{as.AccessKey, region, *in.RoleArn, *in.RoleSessionName}
			if in.ExternalId != nil {
				said = append(said, *in.ExternalId, "900")
			}
			got = append(got, "["+strings.Join(said, " ")+"]")
			number := string(rune('0' + n))
			return &sts.AssumeRoleOutput{Credentials: &sts.Credentials{AccessKeyId: new("ASIA" + number), SecretAccessKey: new("s" + number),
				SessionToken: new("t" + number), Expiration: new(time.Now().Add(time.Hour))}}, nil
		}
		as, err := s.get(t.Context(), false)
		if err != nil {
			got = []string{"error: " + err.Error()}
		} else {
			region, err := s.region()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, as.AccessKey+" "+as.SecretKey+" "+as.SessionToken+" ("+region+")")
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%q %v:\n got %s\nwant %s", c.profile, c.env, text, c.want)
		}
	}
}

// TestRenewal: credentials are kept until shortly before their end.
func TestRenewal(t *testing.T) {
	home := t.TempDir()
	config := filepath.Join(home, "config")
	if err := os.WriteFile(config, []byte("[profile p]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = q\n[profile q]\naws_access_key_id = A\naws_secret_access_key = B\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := 0
	var fault error
	s := &source{env: Environment{Getenv: func(name string) string { return map[string]string{"AWS_CONFIG_FILE": config}[name] }, Home: home}, profile: "p",
		now: func() time.Time { return now },
		assume: func(context.Context, sigv4.Credentials, string, *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			n++
			return &sts.AssumeRoleOutput{Credentials: &sts.Credentials{AccessKeyId: new("K"), SecretAccessKey: new("S"), SessionToken: new("T"), Expiration: new(now.Add(time.Hour))}}, fault
		}}
	for _, c := range []struct {
		after time.Duration
		fresh bool
		want  int
	}{{0, false, 1}, {54 * time.Minute, false, 1}, {2 * time.Minute, false, 2}, {time.Minute, false, 2}, {0, true, 3}} {
		now = now.Add(c.after)
		if _, err := s.get(t.Context(), c.fresh); err != nil || n != c.want {
			t.Errorf("%+v: %d calls, %v", c, n, err)
		}
	}
	fault, now = errors.New("no"), now.Add(57*time.Minute)
	if _, err := s.get(t.Context(), false); err != nil {
		t.Errorf("credentials that are good still: %v", err)
	}
	now = now.Add(time.Hour)
	if _, err := s.get(t.Context(), false); err == nil || !strings.Contains(err.Error(), `cannot assume the role of the AWS profile "p": no`) {
		t.Error(err)
	}
}
