package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a command line with a data and a cache folder of its own.
func run(t *testing.T, stdin string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = Main(args, Stdio{In: strings.NewReader(stdin), Out: &o, Err: &e})
	return status, o.String(), e.String()
}

func TestCommands(t *testing.T) {
	data := t.TempDir()
	t.Setenv("STEPWELL_DATA_DIR", data)
	t.Setenv("STEPWELL_CACHE_DIR", filepath.Join(data, "cache"))
	t.Setenv("AWS_ACCESS_KEY_ID", "111122223333")
	t.Setenv("AWS_REGION", "eu-west-1")
	broken := filepath.Join(data, "broken")
	if err := os.MkdirAll(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "stepwell.yaml"), []byte("name: x\nbukets: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		stdin  string
		status int
		out    []string // parts of standard output
		errs   []string // parts of standard error
	}{
		{args: []string{"--help"}, out: []string{"stepwell run examples/sales", "Available Commands"}},
		{args: []string{"--version"}, out: []string{Version}},
		{args: []string{"completion", "bash"}, out: []string{"__start_stepwell"}},
		{args: []string{"serve", "--no-such-flag"}, status: 2, errs: []string{"unknown flag: --no-such-flag"}},
		{args: []string{"no-such-command"}, status: 2, errs: []string{`unknown command "no-such-command"`}},
		{args: []string{"run"}, status: 2, errs: []string{"accepts 1 arg(s), received 0"}},
		{args: []string{"doctor", "x"}, status: 2, errs: []string{`unknown command "x"`}},
		{args: []string{"sql", "--time-scale", "-1", "-c", "select 1"}, status: 1, errs: []string{"cannot use --time-scale -1"}},
		{args: []string{"env"}, out: []string{"export AWS_ENDPOINT_URL=http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID=111122223333", "AWS_REGION=eu-west-1", "PGPORT=5439"}},
		{args: []string{"services"}, out: []string{"redshift-data"}},
		{args: []string{"services", "sts"}, out: []string{"GetCallerIdentity", "full"}},
		{args: []string{"services", "nothing"}, status: 2, errs: []string{`no service "nothing"`}},
		{args: []string{"run", broken}, status: 1, errs: []string{"has errors"}, out: []string{`unknown field "bukets"`, `did you mean "buckets"?`}},
		{args: []string{"run", filepath.Join(data, "none")}, status: 1, errs: []string{"cannot read the pipeline"}},
		{args: []string{"template", "check", "-"}, stdin: "Resources:\n  T: {Type: AWS::SNS::Topic, Properties: {N: !Ref S}}\n  S3: {Type: AWS::S3::Bucket}\n", status: 1,
			out: []string{"-:2:", "Unresolved resource dependencies [S] in the Resources block", "-: 1 error, 0 warnings"}},
		{args: []string{"template", "check", "-"}, stdin: "Resources: {T: {Type: AWS::SNS::Topic}}", out: []string{"no errors"}},
		{args: []string{"sql", "explain", "select nvl(a, 0) from t"}, out: []string{"coalesce"}},
		{args: []string{"sql", "explain", "select from where"}, status: 1, errs: []string{"syntax error at or near", "^"}},
		{args: []string{"sql", "-c", "select 1 as one, null as none"}, out: []string{" one | none", "(1 rows)"}},
		{args: []string{"sql", "-o", "csv"}, stdin: "select 1 as one; select 'a,b' as two", out: []string{"one\n1\n", "two\n\"a,b\"\n"}},
		{args: []string{"sql", "-o", "json", "-c", "select 1 as one, null as none"}, out: []string{`{"one": "1", "none": null}`}},
		{args: []string{"sql", "-c", "select 1;\nselect nothing\nfrom nowhere"}, status: 1, out: []string{"(1 rows)"}, errs: []string{`relation "nowhere" does not exist`, "-c:3:6"}},
		{args: []string{"sql", "-o", "xml"}, status: 2, errs: []string{`cannot print as "xml"`}},
		{args: []string{"sql", "-d", "none", "-c", "select 1"}, status: 1, errs: []string{`database "none" does not exist`}},
		{args: []string{"executions"}, out: []string{"(0 rows)"}},
		{args: []string{"executions", "none"}, status: 1, errs: []string{"there is no state machine none"}},
		{args: []string{"logs", "none"}, status: 1, errs: []string{"The specified log group does not exist."}},
	} {
		status, out, errs := run(t, c.stdin, c.args...)
		if status != c.status {
			t.Errorf("%q: exit status %d, want %d\n%s%s", c.args, status, c.status, out, errs)
		}
		for _, part := range c.out {
			if !strings.Contains(out, part) {
				t.Errorf("%q: no %q in the output:\n%s", c.args, part, out)
			}
		}
		for _, part := range c.errs {
			if !strings.Contains(errs, part) {
				t.Errorf("%q: no %q in the errors:\n%s", c.args, part, errs)
			}
		}
	}
}

func TestDoctorWithoutPython(t *testing.T) {
	t.Setenv("STEPWELL_DATA_DIR", t.TempDir())
	t.Setenv("STEPWELL_CACHE_DIR", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	status, out, _ := run(t, "", "doctor")
	if status != 1 || !strings.Contains(out, "missing  Python") || !strings.Contains(out, "python3-venv") {
		t.Errorf("doctor without Python: exit status %d\n%s", status, out)
	}
}
