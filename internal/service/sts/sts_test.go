package sts

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/wire/sigv4"
)

// roles stands for iam: it has one role.
func roles() *bus.Service {
	return &bus.Service{Name: "iam", Model: iam.Model, Operations: []bus.Operation{
		bus.Op("GetRole", func(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
			if *in.RoleName != "short" || bus.From(ctx).Account != "111122223333" {
				return nil, iam.NoSuchEntityException("no %s", *in.RoleName)
			}
			return &iam.GetRoleOutput{Role: &iam.Role{RoleId: new("AROASHORT"), MaxSessionDuration: new(int64(3600))}}, nil
		}),
	}}
}

func setup(t *testing.T) (*Service, *bus.Bus, *time.Time) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	b := bus.New()
	s := New(Deps{Store: st, Bus: b, Now: func() time.Time { return now },
		Static: []StaticCredential{{AccessKey: "AKIASTATIC", Secret: "hush", Account: "444455556666", Principal: "arn:aws:iam::444455556666:user/dev/ann"}}})
	b.Register(s.Table())
	b.Register(roles())
	return s, b, &now
}

func TestAssumeRole(t *testing.T) {
	s, b, now := setup(t)
	for _, c := range []struct {
		arn     string
		seconds *int64
		fault   string
		user    string // AssumedRoleUser.Arn
		id      string // begins AssumedRoleId
	}{
		{"arn:aws:iam::111122223333:role/team/short", nil, "", "arn:aws:sts::111122223333:assumed-role/short/me", "AROASHORT:me"},
		{"arn:aws:iam::111122223333:role/short", new(int64(3601)), "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "", ""},
		{"arn:aws:iam::123456789012:role/short", new(int64(7200)), "", "arn:aws:sts::123456789012:assumed-role/short/me", "AROA"},
		{"arn:aws:iam::111122223333:user/short", nil, "ValidationError: arn:aws:iam::111122223333:user/short is invalid", "", ""},
		{"arn:aws:s3:::bucket/role/short/xyz", nil, "ValidationError: arn:aws:s3:::bucket/role/short/xyz is invalid", "", ""},
	} {
		out, err := bus.Invoke[sts.AssumeRoleOutput](t.Context(), b, "sts", "AssumeRole",
			&sts.AssumeRoleInput{RoleArn: &c.arn, RoleSessionName: new("me"), DurationSeconds: c.seconds})
		if c.fault != "" || err != nil {
			if err == nil || err.Error() != c.fault {
				t.Errorf("%s: %v, want %s", c.arn, err, c.fault)
			}
			continue
		}
		seconds := int64(3600)
		if c.seconds != nil {
			seconds = *c.seconds
		}
		account := strings.Split(c.arn, ":")[4]
		key := *out.Credentials.AccessKeyId
		if *out.AssumedRoleUser.Arn != c.user || !strings.HasPrefix(*out.AssumedRoleUser.AssumedRoleId, c.id) ||
			!out.Credentials.Expiration.Equal(now.Truncate(time.Second).Add(time.Duration(seconds)*time.Second)) ||
			len(key) != 20 || !strings.HasPrefix(key, "ASIA") {
			t.Errorf("%s: %+v %+v", c.arn, *out.AssumedRoleUser, *out.Credentials)
		}
		found, ok := s.Lookup(t.Context(), key)
		want := Credential{*out.Credentials.SecretAccessKey, *out.Credentials.SessionToken, account, c.user, *out.Credentials.Expiration}
		if !ok || found != want {
			t.Errorf("lookup: %+v, want %+v", found, want)
		}
		ctx := bus.With(t.Context(), bus.Caller{Account: found.Account, Principal: found.Principal, AccessKey: key})
		me, err := bus.Invoke[sts.GetCallerIdentityOutput](ctx, b, "sts", "GetCallerIdentity", &sts.GetCallerIdentityInput{})
		if err != nil || *me.Account != account || *me.Arn != c.user || *me.UserId != *out.AssumedRoleUser.AssumedRoleId {
			t.Errorf("%+v, %v", me, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	s, b, _ := setup(t)
	for _, c := range []struct{ account, principal, id, arn string }{
		{"", "", "123456789012", "arn:aws:iam::123456789012:root"},
		{"111122223333", "", "111122223333", "arn:aws:iam::111122223333:root"},
		{"111122223333", "arn:aws:iam::111122223333:user/dev/ann", "ann", "arn:aws:iam::111122223333:user/dev/ann"},
	} {
		ctx := bus.With(t.Context(), bus.Caller{Account: c.account, Principal: c.principal})
		me, err := bus.Invoke[sts.GetCallerIdentityOutput](ctx, b, "sts", "GetCallerIdentity", &sts.GetCallerIdentityInput{})
		if err != nil || *me.UserId != c.id || *me.Arn != c.arn {
			t.Errorf("%+v, %v; want %+v", me, err, c)
		}
	}
	ann, ok := s.Lookup(t.Context(), "AKIASTATIC")
	if want := (Credential{Secret: "hush", Account: "444455556666", Principal: "arn:aws:iam::444455556666:user/dev/ann"}); !ok || ann != want {
		t.Errorf("%+v", ann)
	}
	ctx := bus.With(t.Context(), bus.Caller{Account: ann.Account, Principal: ann.Principal})
	out, err := bus.Invoke[sts.GetSessionTokenOutput](ctx, b, "sts", "GetSessionToken", &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := s.Lookup(t.Context(), *out.Credentials.AccessKeyId); !ok || c.Principal != ann.Principal {
		t.Errorf("%+v", c)
	}
	for key, want := range map[string]string{
		*out.Credentials.AccessKeyId: "444455556666",
		"AKIASTATIC":                 "444455556666",
		sigv4.AccessKeyID("AKIA", "000000000007", s.random(10)): "000000000007",
		"not-an-access-key-id": "",
	} {
		info, err := bus.Invoke[sts.GetAccessKeyInfoOutput](t.Context(), b, "sts", "GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: &key})
		switch {
		case want == "" && (awserr.From(err) == nil || awserr.From(err).Code != "ValidationError"):
			t.Errorf("%s: %v", key, err)
		case want != "" && (err != nil || *info.Account != want):
			t.Errorf("%s: %v, want %s", key, err, want)
		}
	}
}

func TestExpiredSessionsGo(t *testing.T) {
	s, b, now := setup(t)
	grant := func() string {
		out, err := bus.Invoke[sts.GetSessionTokenOutput](t.Context(), b, "sts", "GetSessionToken", &sts.GetSessionTokenInput{DurationSeconds: new(int64(900))})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Credentials.AccessKeyId
	}
	var old []string
	for range 3 {
		old = append(old, grant())
	}
	*now = now.Add(2 * time.Hour)
	grant()
	if _, ok := s.Lookup(t.Context(), old[0]); !ok {
		t.Error("an expired session is unknown at once")
	}
	*now = now.Add(30 * time.Hour)
	fresh := grant()
	for _, key := range old {
		if _, ok := s.Lookup(t.Context(), key); ok {
			t.Error("an expired session is still kept")
		}
	}
	if _, ok := s.Lookup(t.Context(), fresh); !ok {
		t.Error("a new session is gone")
	}
}
