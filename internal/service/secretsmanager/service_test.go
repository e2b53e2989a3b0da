package secretsmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type server struct {
	*Service
	bus   *bus.Bus
	clock *clock.Manual
	ctx   context.Context
	arns  map[string]string
}

// countingIDs makes ids that a table can name: v1, v2, ...
type countingIDs struct {
	bus.RandomIDs
	n *int
}

func (c countingIDs) UUID() string { *c.n++; return fmt.Sprint("v", *c.n) }

func newServer(t *testing.T, dir string) *server {
	t.Helper()
	db, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	seal, err := NewSealer(filepath.Join(dir, "keys", "secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{clock: clock.NewManual(start), bus: bus.New(), ctx: bus.With(context.Background(), bus.Caller{}), arns: map[string]string{}}
	s.Service = New(Deps{Store: db, Clock: s.clock, IDs: countingIDs{n: new(int)}, Log: slog.Default(), Seal: seal})
	s.bus.Register(s.Table())
	return s
}

var arnPattern = regexp.MustCompile(`arn:aws:secretsmanager:us-east-1:123456789012:secret:([a-z/]+)-[A-Za-z0-9]{6}`)

// run invokes an operation and prints the answer with ARNs shortened to <name>.
func (s *server) run(op, in string) string {
	text := s.raw(op, in)
	for _, m := range arnPattern.FindAllStringSubmatch(text, -1) {
		s.arns[m[1]] = m[0]
	}
	text = strings.ReplaceAll(text, "2026-03-01T12:00:00Z", "T0")
	text = strings.ReplaceAll(text, "2026-03-01T00:00:00Z", "D0")
	return arnPattern.ReplaceAllString(text, "<$1>")
}

func (s *server) raw(op, in string) string {
	_, o := s.bus.Lookup("secretsmanager", op)
	input := o.NewInput()
	if input != nil {
		if err := json.Unmarshal([]byte(in), input); err != nil {
			return "bad test input: " + err.Error()
		}
	}
	out, err := s.bus.Invoke(s.ctx, "secretsmanager", op, input)
	if err != nil {
		return err.Error()
	}
	b, _ := json.Marshal(out)
	return string(b)
}

func TestLife(t *testing.T) {
	s := newServer(t, t.TempDir())
	for _, c := range []struct{ op, in, want string }{
		{"CreateSecret", `{"Name":"db/main","SecretString":"one","Description":"The main database","Tags":[{"Key":"env","Value":"prod"}]}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"v1"}`},
		{"CreateSecret", `{"Name":"db/main","SecretString":"x"}`, `ResourceExistsException: The operation failed because the secret db/main already exists.`},
		{"CreateSecret", `{"Name":"db/main","SecretString":"one","ClientRequestToken":"v1"}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"v1"}`},
		{"CreateSecret", `{"Name":"db/main","SecretString":"two","ClientRequestToken":"v1"}`, `ResourceExistsException: You can't use ClientRequestToken v1 because that value is already in use for a version of secret <db/main>.`},
		{"CreateSecret", `{"Name":"bad name"}`, `ValidationException: Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!`},
		{"CreateSecret", `{"Name":"a","SecretString":"x","SecretBinary":"eA=="}`, `InvalidParameterException: You can't specify both a binary secret value and a string secret value in the same secret.`},
		{"CreateSecret", `{"Name":"a","AddReplicaRegions":[{"Region":"eu-west-1"}]}`, `NotImplemented: not implemented: secretsmanager:CreateSecret with AddReplicaRegions`},
		{"GetSecretValue", `{"SecretId":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"v1","SecretString":"one","VersionStages":["AWSCURRENT"],"CreatedDate":"T0"}`},
		{"GetSecretValue", `{"SecretId":"nope"}`, `ResourceNotFoundException: Secrets Manager can't find the specified secret.`},
		{"GetSecretValue", `{"SecretId":"db/main","VersionStage":"AWSPENDING"}`, `ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPENDING`},
		{"GetSecretValue", `{"SecretId":"db/main","VersionId":"v9"}`, `ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: v9`},
		{"GetSecretValue", `{"SecretId":"db/main","VersionId":"v1","VersionStage":"AWSPREVIOUS"}`, `InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId.`},
		{"PutSecretValue", `{"SecretId":"db/main","SecretBinary":"AQI=","ClientRequestToken":"b"}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"b","VersionStages":["AWSCURRENT"]}`},
		{"PutSecretValue", `{"SecretId":"db/main","SecretBinary":"AQI=","ClientRequestToken":"b"}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"b","VersionStages":["AWSCURRENT"]}`},
		{"PutSecretValue", `{"SecretId":"db/main"}`, `InvalidRequestException: You must provide either SecretString or SecretBinary.`},
		{"PutSecretValue", `{"SecretId":"db/main","SecretString":"three","ClientRequestToken":"c","VersionStages":["AWSPENDING","mine"]}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"c","VersionStages":["AWSPENDING","mine"]}`},
		{"GetSecretValue", `{"SecretId":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"b","SecretBinary":"AQI=","VersionStages":["AWSCURRENT"],"CreatedDate":"T0"}`},
		{"DescribeSecret", `{"SecretId":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main","Description":"The main database","LastChangedDate":"T0","LastAccessedDate":"D0","Tags":[{"Key":"env","Value":"prod"}],"VersionIdsToStages":{"b":["AWSCURRENT"],"c":["AWSPENDING","mine"],"v1":["AWSPREVIOUS"]},"CreatedDate":"T0"}`},
		{"UpdateSecretVersionStage", `{"SecretId":"db/main","VersionStage":"AWSCURRENT","MoveToVersionId":"c"}`, `InvalidParameterException: The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version b, so you must explicitly reference that version in RemoveFromVersionId.`},
		{"UpdateSecretVersionStage", `{"SecretId":"db/main","VersionStage":"AWSCURRENT","MoveToVersionId":"c","RemoveFromVersionId":"b"}`, `{"ARN":"<db/main>","Name":"db/main"}`},
		{"UpdateSecretVersionStage", `{"SecretId":"db/main","VersionStage":"AWSPENDING","RemoveFromVersionId":"c"}`, `{"ARN":"<db/main>","Name":"db/main"}`},
		{"UpdateSecretVersionStage", `{"SecretId":"db/main","VersionStage":"AWSCURRENT","RemoveFromVersionId":"c"}`, `InvalidParameterException: You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.`},
		{"ListSecretVersionIds", `{"SecretId":"db/main","MaxResults":1}`, `{"Versions":[{"VersionId":"b","VersionStages":["AWSPREVIOUS"],"LastAccessedDate":"D0","CreatedDate":"T0","KmsKeyIds":["DefaultEncryptionKey"]}],"NextToken":"cb7v-WI","ARN":"<db/main>","Name":"db/main"}`},
		{"ListSecretVersionIds", `{"SecretId":"db/main","MaxResults":1,"NextToken":"cb7v-WI"}`, `{"Versions":[{"VersionId":"c","VersionStages":["mine","AWSCURRENT"],"CreatedDate":"T0","KmsKeyIds":["DefaultEncryptionKey"]}],"ARN":"<db/main>","Name":"db/main"}`},
		{"ListSecretVersionIds", `{"SecretId":"db/main","NextToken":"?"}`, `InvalidNextTokenException: The NextToken value is invalid.`},
		{"UpdateSecret", `{"SecretId":"db/main","Description":"new","SecretString":"four","ClientRequestToken":"d"}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"d"}`},
		{"GetSecretValue", `{"SecretId":"db/main","VersionStage":"AWSPREVIOUS"}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"c","SecretString":"three","VersionStages":["mine","AWSPREVIOUS"],"CreatedDate":"T0"}`},
		{"TagResource", `{"SecretId":"db/main","Tags":[{"Key":"env","Value":"dev"},{"Key":"team","Value":"x"}]}`, `{}`},
		{"UntagResource", `{"SecretId":"db/main","TagKeys":["env"]}`, `{}`},
		{"PutResourcePolicy", `{"SecretId":"db/main","ResourcePolicy":"nonsense"}`, `MalformedPolicyDocumentException: This resource policy contains invalid Json`},
		{"PutResourcePolicy", `{"SecretId":"db/main","ResourcePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"}]}","BlockPublicPolicy":true}`, `PublicPolicyException: This resource policy grants public access to the secret. You can't attach it with BlockPublicPolicy.`},
		{"PutResourcePolicy", `{"SecretId":"db/main","ResourcePolicy":"{\"Statement\":[{\"Effect\":\"Deny\"}]}"}`, `{"ARN":"<db/main>","Name":"db/main"}`},
		{"GetResourcePolicy", `{"SecretId":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main","ResourcePolicy":"{\"Statement\":[{\"Effect\":\"Deny\"}]}"}`},
		{"DeleteResourcePolicy", `{"SecretId":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main"}`},
		{"ValidateResourcePolicy", `{"ResourcePolicy":"{"}`, `{"PolicyValidationPassed":false,"ValidationErrors":[{"CheckName":"POLICY_SYNTAX","ErrorMessage":"This resource policy contains invalid Json"}]}`},
		{"RotateSecret", `{"SecretId":"db/main"}`, `InvalidRequestException: No Lambda rotation function ARN is associated with this secret.`},
		{"DeleteSecret", `{"SecretId":"db/main","RecoveryWindowInDays":7,"ForceDeleteWithoutRecovery":true}`, `InvalidParameterException: You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.`},
		{"DeleteSecret", `{"SecretId":"db/main","RecoveryWindowInDays":6}`, `InvalidParameterException: The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).`},
		{"DeleteSecret", `{"SecretId":"db/main","RecoveryWindowInDays":7}`, `{"ARN":"<db/main>","Name":"db/main","DeletionDate":"2026-03-08T12:00:00Z"}`},
		{"GetSecretValue", `{"SecretId":"db/main"}`, `InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.`},
		{"CreateSecret", `{"Name":"db/main"}`, `InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion.`},
		{"ListSecrets", `{}`, `{"SecretList":[]}`},
		{"RestoreSecret", `{"SecretId":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main"}`},
		{"DescribeSecret", `{"SecretId":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main","Description":"new","LastChangedDate":"T0","LastAccessedDate":"D0","Tags":[{"Key":"team","Value":"x"}],"VersionIdsToStages":{"c":["mine","AWSPREVIOUS"],"d":["AWSCURRENT"]},"CreatedDate":"T0"}`},
		{"DeleteSecret", `{"SecretId":"db/main","ForceDeleteWithoutRecovery":true}`, `{"ARN":"<db/main>","Name":"db/main","DeletionDate":"T0"}`},
		{"DeleteSecret", `{"SecretId":"db/main","ForceDeleteWithoutRecovery":true}`, `{"ARN":"<db/main>","Name":"db/main","DeletionDate":"T0"}`},
		{"DescribeSecret", `{"SecretId":"db/main"}`, `ResourceNotFoundException: Secrets Manager can't find the specified secret.`},
		{"CreateSecret", `{"Name":"db/main"}`, `{"ARN":"<db/main>","Name":"db/main"}`},
		{"GetSecretValue", `{"SecretId":"db/main"}`, `ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT`},
		{"PutSecretValue", `{"SecretId":"db/main","SecretString":"first","ClientRequestToken":"f","VersionStages":["AWSPENDING"]}`, `{"ARN":"<db/main>","Name":"db/main","VersionId":"f","VersionStages":["AWSPENDING","AWSCURRENT"]}`},
	} {
		if got := s.run(c.op, c.in); got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.op, c.in, got, c.want)
		}
	}
}

func TestARNs(t *testing.T) {
	s := newServer(t, t.TempDir())
	s.run("CreateSecret", `{"Name":"app","SecretString":"short"}`)
	s.run("CreateSecret", `{"Name":"app-secret","SecretString":"long"}`) // its last seven characters look like a suffix
	full, long := s.arns["app"], "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-secret"
	for id, want := range map[string]string{
		full: "short", strings.TrimSuffix(full, full[len(full)-7:]): "short", long: "long", "app": "short", "app-secret": "long",
		full[:len(full)-1] + "~":                                 "can't find",
		strings.Replace(full, "123456789012", "999999999999", 1): "can't find",
	} {
		if got := s.run("GetSecretValue", fmt.Sprintf(`{"SecretId":%q}`, id)); !strings.Contains(got, want) {
			t.Errorf("%s: %s", id, got)
		}
	}
	got := s.run("BatchGetSecretValue", `{"SecretIdList":["app","none"]}`)
	if !strings.Contains(got, `"short"`) || !strings.Contains(got, `"Errors":[{"SecretId":"none","ErrorCode":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}]`) {
		t.Errorf("batch: %s", got)
	}
}

func TestList(t *testing.T) {
	s := newServer(t, t.TempDir())
	for i, in := range []string{
		`{"Name":"b","Description":"Orders of the Shop","Tags":[{"Key":"env","Value":"prod"}]}`,
		`{"Name":"a","Description":"shop window"}`,
		`{"Name":"c","Tags":[{"Key":"environment","Value":"dev"}]}`,
	} {
		s.clock.Advance(time.Duration(i) * time.Second)
		s.run("CreateSecret", in)
	}
	s.run("DeleteSecret", `{"SecretId":"a"}`)
	for _, c := range []struct{ in, want string }{
		{`{}`, "bc"},
		{`{"IncludePlannedDeletion":true}`, "bac"},
		{`{"IncludePlannedDeletion":true,"SortBy":"name","SortOrder":"desc"}`, "cba"},
		{`{"IncludePlannedDeletion":true,"SortBy":"name","MaxResults":2}`, "abc"},
		{`{"IncludePlannedDeletion":true,"Filters":[{"Key":"description","Values":["SHO"]}]}`, "ba"},
		{`{"Filters":[{"Key":"tag-key","Values":["env"]}]}`, "bc"},
		{`{"Filters":[{"Key":"tag-key","Values":["env"]},{"Key":"tag-value","Values":["dev"]}]}`, "c"},
		{`{"Filters":[{"Key":"name","Values":["!b"]}]}`, "c"},
		{`{"Filters":[{"Key":"all","Values":["orders prod"]}]}`, "b"},
		{`{"Filters":[{"Key":"name","Values":["B"]}]}`, ""},
	} {
		in, got := c.in, ""
		for {
			var out api.ListSecretsOutput
			text := s.raw("ListSecrets", in)
			if err := json.Unmarshal([]byte(text), &out); err != nil {
				t.Fatal(text)
			}
			for _, e := range out.SecretList {
				got += *e.Name
			}
			if out.NextToken == nil {
				break
			}
			in = strings.TrimSuffix(c.in, "}") + fmt.Sprintf(`,"NextToken":%q}`, *out.NextToken)
		}
		if got != c.want {
			t.Errorf("%s: %s, not %s", c.in, got, c.want)
		}
	}
	// The window passes: the name is free again.
	s.clock.Advance(31 * day)
	if got := s.run("DescribeSecret", `{"SecretId":"a"}`); !strings.Contains(got, "can't find") {
		t.Errorf("after the window: %s", got)
	}
	if got := s.run("CreateSecret", `{"Name":"a"}`); got != `{"ARN":"<a>","Name":"a"}` {
		t.Errorf("again: %s", got)
	}
}

func TestPasswords(t *testing.T) {
	s := newServer(t, t.TempDir())
	for _, c := range []struct {
		in      string
		pattern string
	}{
		{`{}`, `^[!-~]{32}$`},
		{`{"PasswordLength":12,"ExcludePunctuation":true}`, `^[A-Za-z0-9]{12}$`},
		{`{"PasswordLength":4,"ExcludePunctuation":true,"IncludeSpace":true}`, `^[A-Za-z0-9 ]{4}$`},
		{`{"PasswordLength":50,"ExcludePunctuation":true,"ExcludeLowercase":true,"ExcludeUppercase":true,"ExcludeCharacters":"01234567"}`, `^[89]{50}$`},
	} {
		seen := map[string]bool{}
		for range 20 {
			var out api.GetRandomPasswordOutput
			if err := json.Unmarshal([]byte(s.raw("GetRandomPassword", c.in)), &out); err != nil {
				t.Fatal(err)
			}
			p := *out.RandomPassword
			if !regexp.MustCompile(c.pattern).MatchString(p) {
				t.Errorf("%s: %q", c.in, p)
			}
			if strings.Contains(c.in, "IncludeSpace") && !strings.Contains(p, " ") {
				t.Errorf("%s: %q has no space", c.in, p)
			}
			seen[p] = true
		}
		if len(seen) < 19 {
			t.Errorf("%s: only %d different", c.in, len(seen))
		}
	}
	for in, want := range map[string]string{
		`{"PasswordLength":3}`: "at least 4",
		`{"ExcludePunctuation":true,"ExcludeLowercase":true,"ExcludeUppercase":true,"ExcludeNumbers":true}`: "excludes all",
	} {
		if got := s.run("GetRandomPassword", in); !strings.Contains(got, want) {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestSealed(t *testing.T) {
	dir := t.TempDir()
	s := newServer(t, dir)
	s.run("CreateSecret", `{"Name":"plain","SecretString":"needle-in-the-file"}`)
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte("needle-in-the-file")) {
			t.Errorf("%s holds the value in the clear", f)
		}
	}
	key := filepath.Join(dir, "keys", "secrets.key")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", info.Mode(), err)
	}
	if got := newServer(t, dir).run("GetSecretValue", `{"SecretId":"plain"}`); !strings.Contains(got, "needle") {
		t.Errorf("after a restart: %s", got)
	}
	if err := os.WriteFile(key, bytes.Repeat([]byte{7}, keySize), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := newServer(t, dir).run("GetSecretValue", `{"SecretId":"plain"}`); !strings.HasPrefix(got, "DecryptionFailure") {
		t.Errorf("with another key: %s", got)
	}
	if err := os.WriteFile(key, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewSealer(key); err == nil {
		t.Error("a short key was accepted")
	}
}

func TestVersionsArePruned(t *testing.T) {
	s := newServer(t, t.TempDir())
	s.run("CreateSecret", `{"Name":"x","SecretString":"0"}`)
	for i := range 150 {
		s.clock.Advance(time.Hour)
		s.run("PutSecretValue", fmt.Sprintf(`{"SecretId":"x","SecretString":"%d"}`, i))
	}
	var out api.ListSecretVersionIdsOutput
	json.Unmarshal([]byte(s.raw("ListSecretVersionIds", `{"SecretId":"x","IncludeDeprecated":true}`)), &out)
	if len(out.Versions) != maxVersions || out.NextToken != nil {
		t.Errorf("%d versions", len(out.Versions))
	}
}
