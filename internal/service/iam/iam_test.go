package iam

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/test/opscript"
)

type fixedIDs struct{ bus.RandomIDs }

func (fixedIDs) Hex(n int) string { return strings.Repeat("00", n) }

const (
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allow = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
)

// TestScripts runs testdata.
func TestScripts(t *testing.T) {
	opscript.Suite{Service: "iam", Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(New(Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	}}.Run(t)
}

// TestOperations runs the calls in order. want is the answer as JSON or, where
// it begins with a bang, the error.
func TestOperations(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	b := bus.New()
	b.Register(New(Deps{Store: st, Clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)), IDs: fixedIDs{}}).Table())
	const arn = "arn:aws:iam::123456789012:policy/team/p1"
	role := `"Path":"/","RoleName":"r1","RoleId":"AROAAAAAAAAAAAAAAAAAA","Arn":"arn:aws:iam::123456789012:role/r1","CreateDate":"2026-01-02T03:04:05Z",` +
		`"AssumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22glue.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D",` +
		`"Description":"d","MaxSessionDuration":3600`
	cases := []struct {
		op   string
		in   any
		want string
	}{
		{"GetRole", &iam.GetRoleInput{RoleName: new("r1")}, "!NoSuchEntity: The role with name r1 cannot be found."},
		{"CreateRole", &iam.CreateRoleInput{RoleName: new("r1"), AssumeRolePolicyDocument: new("{")}, "!MalformedPolicyDocument: This policy contains invalid Json"},
		{"CreateRole", &iam.CreateRoleInput{RoleName: new("r1"), AssumeRolePolicyDocument: new(allow)}, "!MalformedPolicyDocument: Has prohibited field Resource"},
		{"CreateRole", &iam.CreateRoleInput{RoleName: new("r1"), AssumeRolePolicyDocument: new(trust), Tags: []iam.Tag{{Key: new("a"), Value: new("")}, {Key: new("A"), Value: new("")}}},
			"!InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"CreateRole", &iam.CreateRoleInput{RoleName: new("r1"), AssumeRolePolicyDocument: new(trust), Description: new("d"), Tags: []iam.Tag{{Key: new("k"), Value: new("v")}}},
			`{"Role":{` + role + `,"Tags":[{"Key":"k","Value":"v"}]}}`},
		{"CreateRole", &iam.CreateRoleInput{RoleName: new("R1"), AssumeRolePolicyDocument: new(trust)}, "!EntityAlreadyExists: Role with name R1 already exists."},
		{"GetRole", &iam.GetRoleInput{RoleName: new("r1")}, `{"Role":{` + role + `,"Tags":[{"Key":"k","Value":"v"}],"RoleLastUsed":{}}}`},
		{"ListRoles", &iam.ListRolesInput{}, `{"Roles":[{` + role + `}],"IsTruncated":false}`},
		{"ListRoles", &iam.ListRolesInput{PathPrefix: new("/x/")}, `{"Roles":[],"IsTruncated":false}`},
		{"ListRoles", &iam.ListRolesInput{Marker: new("?")}, "!ValidationError: Invalid Marker: ?"},

		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: new("r1"), PolicyName: new("b"), PolicyDocument: new(`{"Statement":[]}`)}, "!MalformedPolicyDocument: Policy document must be version 2012-10-17 or greater."},
		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: new("r1"), PolicyName: new("b"), PolicyDocument: new(trust)}, "!MalformedPolicyDocument: Policy document should not specify a principal."},
		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: new("r1"), PolicyName: new("b"), PolicyDocument: new(allow)}, "{}"},
		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: new("r1"), PolicyName: new("a"), PolicyDocument: new(allow)}, "{}"},
		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: new("r1"), PolicyName: new("b"), PolicyDocument: new(strings.Replace(allow, "s3:*", "a b+c", 1))}, "{}"},
		{"GetRolePolicy", &iam.GetRolePolicyInput{RoleName: new("r1"), PolicyName: new("b")},
			`{"RoleName":"r1","PolicyName":"b","PolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22a%20b%2Bc%22%2C%22Resource%22%3A%22%2A%22%7D%7D"}`},
		{"GetRolePolicy", &iam.GetRolePolicyInput{RoleName: new("r1"), PolicyName: new("z")}, "!NoSuchEntity: The role policy with name z cannot be found."},
		{"ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: new("r1"), MaxItems: new(int64(1))}, `{"PolicyNames":["a"],"IsTruncated":true,"Marker":"6Le-Q2E"}`},
		{"ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: new("r1"), Marker: new("6Le-Q2E")}, `{"PolicyNames":["b"],"IsTruncated":false}`},
		{"DeleteRole", &iam.DeleteRoleInput{RoleName: new("r1")}, "!DeleteConflict: Cannot delete entity, must delete policies first."},
		{"DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: new("r1"), PolicyName: new("a")}, "{}"},
		{"DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: new("r1"), PolicyName: new("b")}, "{}"},

		{"CreatePolicy", &iam.CreatePolicyInput{PolicyName: new("p1"), Path: new("/team/"), PolicyDocument: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}`)}, "!MalformedPolicyDocument: Invalid effect: Maybe"},
		{"CreatePolicy", &iam.CreatePolicyInput{PolicyName: new("p1"), Path: new("/team/"), PolicyDocument: new(allow)},
			`{"Policy":{"PolicyName":"p1","PolicyId":"ANPAAAAAAAAAAAAAAAAAA","Arn":"` + arn + `","Path":"/team/","DefaultVersionId":"v1","AttachmentCount":0,"PermissionsBoundaryUsageCount":0,"IsAttachable":true,"CreateDate":"2026-01-02T03:04:05Z","UpdateDate":"2026-01-02T03:04:05Z"}}`},
		{"CreatePolicy", &iam.CreatePolicyInput{PolicyName: new("p1"), PolicyDocument: new(allow)}, "!EntityAlreadyExists: A policy called p1 already exists. Duplicate names are not allowed."},
		{"AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: new("r1"), PolicyArn: new("arn:aws:iam::123456789012:policy/p1")}, "!NoSuchEntity: Policy arn:aws:iam::123456789012:policy/p1 does not exist or is not attachable."},
		{"AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: new("r1"), PolicyArn: new(arn)}, "{}"},
		{"AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: new("r1"), PolicyArn: new(arn)}, "{}"},
		{"AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: new("r1"), PolicyArn: new("arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole")}, "{}"},
		{"ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: new("r1")},
			`{"AttachedPolicies":[{"PolicyName":"p1","PolicyArn":"` + arn + `"},{"PolicyName":"AWSGlueServiceRole","PolicyArn":"arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"}],"IsTruncated":false}`},
		{"DeletePolicy", &iam.DeletePolicyInput{PolicyArn: new(arn)}, "!DeleteConflict: Cannot delete a policy attached to entities."},
		{"DeleteRole", &iam.DeleteRoleInput{RoleName: new("r1")}, "!DeleteConflict: Cannot delete entity, must detach all policies first."},
		{"DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: new("r1"), PolicyArn: new(arn)}, "{}"},
		{"DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: new("r1"), PolicyArn: new(arn)}, "!NoSuchEntity: Policy " + arn + " was not found."},
		{"DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: new("r1"), PolicyArn: new("arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole")}, "{}"},
		{"ListPolicies", &iam.ListPoliciesInput{OnlyAttached: new(true)}, `{"Policies":[],"IsTruncated":false}`},
		{"DeletePolicy", &iam.DeletePolicyInput{PolicyArn: new(arn)}, "{}"},
		{"GetPolicy", &iam.GetPolicyInput{PolicyArn: new(arn)}, "!NoSuchEntity: Policy " + arn + " was not found."},
		{"GetPolicy", &iam.GetPolicyInput{PolicyArn: new("arn:aws:iam::aws:policy/X")}, `{"Policy":{"PolicyName":"X","Arn":"arn:aws:iam::aws:policy/X","Path":"/","AttachmentCount":0,"PermissionsBoundaryUsageCount":0,"IsAttachable":true}}`},
		{"DeleteRole", &iam.DeleteRoleInput{RoleName: new("r1")}, "{}"},
		{"SimulatePrincipalPolicy", nil, "!NotImplemented: not implemented: iam:SimulatePrincipalPolicy"},
	}
	for _, c := range cases {
		var got string
		out, err := b.Invoke(t.Context(), "iam", c.op, c.in)
		if err != nil {
			got = "!" + err.Error()
		} else if text, err := json.Marshal(out); err != nil {
			t.Fatal(err)
		} else {
			got = string(text)
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.op, got, c.want)
		}
	}
}

// TestOldRecords reads a policy and a role as earlier releases kept them: without
// versions, and with all members of a role side by side.
func TestOldRecords(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	type record = map[string]any
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		err := store.NewTable[record]("iam_policies").Put(tx, record{"Name": "p", "Path": "/", "ID": "ANPA", "ARN": "arn:aws:iam::123456789012:policy/p",
			"Created": at, "Document": allow, "Attachments": 1}, "123456789012", "p")
		if err != nil {
			return err
		}
		return store.NewTable[record]("iam_roles").Put(tx, record{"Name": "r", "Path": "/", "ID": "AROA", "ARN": "arn:aws:iam::123456789012:role/r", "Created": at,
			"Trust": trust, "MaxSession": 3600, "Tags": []record{{"Key": "k", "Value": "v"}}, "Attached": []record{{"Name": "p", "ARN": "arn:aws:iam::123456789012:policy/p"}},
			"Inline": []record{{"Name": "i", "Document": allow}}}, "123456789012", "r")
	})
	if err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	b.Register(New(Deps{Store: st, Clock: clock.NewManual(at)}).Table())
	role, err := bus.Invoke[iam.GetRoleOutput](t.Context(), b, "iam", "GetRole", &iam.GetRoleInput{RoleName: new("r")})
	if err != nil || *role.Role.Arn != "arn:aws:iam::123456789012:role/r" || len(role.Role.Tags) != 1 {
		t.Errorf("%+v, %v", role, err)
	}
	document, err := bus.Invoke[iam.GetRolePolicyOutput](t.Context(), b, "iam", "GetRolePolicy", &iam.GetRolePolicyInput{RoleName: new("r"), PolicyName: new("i")})
	if err != nil || *document.PolicyDocument != *encoded(allow) {
		t.Errorf("%+v, %v", document, err)
	}
	arn := new("arn:aws:iam::123456789012:policy/p")
	version, err := bus.Invoke[iam.GetPolicyVersionOutput](t.Context(), b, "iam", "GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: new("v1")})
	if err != nil || *version.PolicyVersion.Document != *encoded(allow) || !*version.PolicyVersion.IsDefaultVersion {
		t.Errorf("%+v, %v", version, err)
	}
	next, err := bus.Invoke[iam.CreatePolicyVersionOutput](t.Context(), b, "iam", "CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: new(allow)})
	if err != nil || *next.PolicyVersion.VersionId != "v2" {
		t.Errorf("%+v, %v", next, err)
	}
}

// TestLookup asks for a key's credential after each change of what it depends on.
func TestLookup(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s, b := New(Deps{Store: st, Clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))}), bus.New()
	b.Register(s.Table())
	ctx := bus.With(t.Context(), bus.Caller{Account: bus.DefaultAccount, Region: bus.DefaultRegion})
	call := func(op string, in any) any {
		t.Helper()
		out, err := b.Invoke(ctx, "iam", op, in)
		if err != nil {
			t.Fatal(op, err)
		}
		return out
	}
	call("CreateUser", &iam.CreateUserInput{UserName: new("ann")})
	key := call("CreateAccessKey", &iam.CreateAccessKeyInput{UserName: new("ann")}).(*iam.CreateAccessKeyOutput).AccessKey
	user := "arn:aws:iam::" + bus.DefaultAccount + ":user/"
	steps := []struct {
		op   string
		in   any
		want string // the principal; "" is none
	}{
		{"GetUser", &iam.GetUserInput{UserName: new("ann")}, user + "ann"},
		{"UpdateUser", &iam.UpdateUserInput{UserName: new("ann"), NewUserName: new("eva")}, user + "eva"},
		{"UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: new("eva"), AccessKeyId: key.AccessKeyId, Status: new(iam.StatusTypeInactive)}, ""},
		{"UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: new("eva"), AccessKeyId: key.AccessKeyId, Status: new(iam.StatusTypeActive)}, user + "eva"},
		{"DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: new("eva"), AccessKeyId: key.AccessKeyId}, ""},
	}
	for _, step := range steps {
		call(step.op, step.in)
		var want Credential
		if step.want != "" {
			want = Credential{*key.SecretAccessKey, bus.DefaultAccount, step.want}
		}
		if got, ok := s.Lookup(ctx, *key.AccessKeyId); got != want || ok != (step.want != "") {
			t.Errorf("after %s: %+v %v, want %+v", step.op, got, ok, want)
		}
	}
}
