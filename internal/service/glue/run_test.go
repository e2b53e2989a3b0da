package glue

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	glueapi "stepwell/internal/awsapi/glue"
	"stepwell/internal/bus"
	"stepwell/internal/process"
)

// pythonWorld is a world on a machine with Python; the tests need no network.
func pythonWorld(t *testing.T) *world {
	if _, err := process.FindPython(t.Context()); err != nil {
		t.Skip(err)
	}
	return newWorld(t)
}

// archive makes a zip file with the given files.
func archive(t *testing.T, files map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// createJob keeps a Python shell job with the script.
func (w *world) createJob(name, script string, change func(*glueapi.CreateJobInput)) {
	w.t.Helper()
	w.mu.Lock()
	w.objects["code/"+name+".py"] = []byte(script)
	w.mu.Unlock()
	in := &glueapi.CreateJobInput{Name: &name, Role: new("r"), GlueVersion: new("3.0"),
		Command: &glueapi.JobCommand{Name: new("pythonshell"), ScriptLocation: new("s3://code/" + name + ".py"), PythonVersion: new("3.9")}}
	if change != nil {
		change(in)
	}
	must[glueapi.CreateJobOutput](w, "CreateJob", in)
}

// run starts a job run and waits for its end.
func (w *world) run(job string, args map[string]string) *glueapi.JobRun {
	w.t.Helper()
	return w.end(job, w.launch(job, args))
}

// launch starts a job run.
func (w *world) launch(job string, args map[string]string) (id string) {
	w.t.Helper()
	return *must[glueapi.StartJobRunOutput](w, "StartJobRun", &glueapi.StartJobRunInput{JobName: &job, Arguments: args}).JobRunId
}

func (w *world) end(job, id string) *glueapi.JobRun {
	w.t.Helper()
	w.await("end of "+id, func() bool {
		return slices.ContainsFunc(w.ended, func(e string) bool {
			return strings.HasPrefix(e, "Glue Job State Change") && strings.Contains(e, `"`+id+`"`)
		})
	})
	return must[glueapi.GetJobRunOutput](w, "GetJobRun", &glueapi.GetJobRunInput{JobName: &job, RunId: &id}).JobRun
}

// lines returns what a run has logged to stdout ("output") or stderr ("error").
func (w *world) lines(kind, id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.logs["/aws-glue/python-jobs/"+kind+"/"+id])
}

func TestScripts(t *testing.T) {
	t.Parallel()
	w := pythonWorld(t)
	w.objects["code/helper.py"] = []byte("def hello(): return 'from a file'")
	w.objects["code/pack.zip"] = archive(t, map[string]string{"pack/__init__.py": "", "pack/deep.py": "value = 'from a zip'"})
	w.objects["code/mod-0.1-py3.6.egg"] = archive(t, map[string]string{"eggmod/__init__.py": "value = 'from an egg'"})
	for i, c := range []struct {
		name, script string
		args         map[string]string
		state        string
		message      string
		out          []string
		err          []string // each in a line of the error log
	}{
		{name: "prints", script: "import sys\nprint('a\\n\\nb')\nprint('c', file=sys.stderr)", state: "SUCCEEDED", out: []string{"a", " ", "b"}, err: []string{"c"}},
		{name: "raises", script: "def f():\n    raise ValueError('bad value')\nf()", state: "FAILED", message: "ValueError: bad value",
			err: []string{"Traceback (most recent call last):", "raises.py\", line 3, in <module>", "raises.py\", line 2, in f", "ValueError: bad value"}},
		{name: "exits well", script: "import sys; sys.exit(0)", state: "SUCCEEDED"},
		{name: "exits badly", script: "import sys; sys.exit(3)", state: "FAILED", message: "Command failed with exit code 3"},
		{name: "exits with words", script: "import sys; sys.exit('no rows')", state: "FAILED", message: "Command failed with exit code 1", err: []string{"no rows"}},
		{name: "is killed", script: "import os; os.kill(os.getpid(), 9)", state: "FAILED", message: "Command failed with exit code 137"},
		{name: "does not parse", script: "def", state: "FAILED", message: "SyntaxError: invalid syntax (does not parse.py, line 1)", err: []string{"SyntaxError"}},
		{name: "has arguments", script: "import sys, os\nprint(sys.argv[1:])\nprint(os.path.basename(sys.argv[0]), os.path.dirname(sys.argv[0]) == sys.path[0])",
			args: map[string]string{"--b": "2", "--x": "run", "--flag": ""}, state: "SUCCEEDED", out: []string{
				"['--b', '2', '--d', 'fixed', '--flag', '--job-bookmark-option', 'job-bookmark-disable', '--job-language', 'python', '--library-set', 'none', '--scriptLocation', 's3://code/has arguments.py', '--x', 'run']",
				"has arguments.py True"}},
		{name: "resolves options", script: "import sys\nfrom awsglue.utils import getResolvedOptions\nprint(getResolvedOptions(sys.argv, ['b', 'x'])['b'])", args: map[string]string{"--b": "2"}, state: "SUCCEEDED", out: []string{"2"}},
		{name: "lacks an option", script: "import sys\nfrom awsglue.utils import getResolvedOptions\ngetResolvedOptions(sys.argv, ['JOB_NAME', 'file'])", state: "FAILED",
			message: "GlueArgumentError: the following arguments are required: --JOB_NAME, --file", err: []string{"GlueArgumentError"}},
		{name: "wants Spark", script: "from awsglue.context import GlueContext", state: "FAILED",
			message: "ImportError: awsglue.context is not available in a Python shell job: only awsglue.utils.getResolvedOptions is"},
		{name: "environment", script: "import os\nfor k in sorted(os.environ): print(k)\nprint(os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_ENDPOINT_URL'], os.environ['AWS_REGION'], os.environ['GLUE_VERSION'])\nopen('x', 'w').write(os.environ['TMPDIR'])",
			state: "SUCCEEDED", out: []string{"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
				"GLUE_PYTHON_VERSION", "GLUE_VERSION", "HOME", "LANG", "PATH", "PIP_TARGET", "PYTHONPATH", "PYTHONUNBUFFERED", "STEPWELL_PROCESS", "TMPDIR", "TZ", "111122223333 http://127.0.0.1:4566 eu-west-1 3.0"}},
		{name: "extra files", script: "import helper, eggmod\nfrom pack.deep import value\nprint(helper.hello(), value, eggmod.value)",
			args: map[string]string{"--extra-py-files": "s3://code/helper.py, s3://code/pack.zip,s3://code/mod-0.1-py3.6.egg"}, state: "SUCCEEDED", out: []string{"from a file from a zip from an egg"}},
		{name: "extra file is not there", script: "", args: map[string]string{"--extra-py-files": "s3://code/nope.py"}, state: "FAILED",
			message: "Error downloading from S3 for bucket: code, key: nope.py. The specified key does not exist."},
		{name: "script is elsewhere", script: "", args: map[string]string{"--scriptLocation": "/tmp/x.py"}, state: "FAILED", message: "Invalid S3 location: /tmp/x.py"},
		{name: "lots of lines", script: "for i in range(30000): print(i)", state: "SUCCEEDED", out: numbers(30000)},
		{name: "leaves a process", script: "import subprocess\nsubprocess.Popen(['sleep', '300'])\nprint('done')", state: "SUCCEEDED", out: []string{"done"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			w.createJob(c.name, c.script, func(in *glueapi.CreateJobInput) {
				in.DefaultArguments = map[string]string{"--library-set": "none", "--x": "default"}
				in.NonOverridableArguments = map[string]string{"--d": "fixed"}
			})
			w.note(func() { w.faults = i % 2 }) // every other run meets a failing log service
			r := w.run(c.name, c.args)
			message := strings.Split(text(r.ErrorMessage), "\n")[0]
			if *r.JobRunState != c.state || message != c.message || r.CompletedOn == nil || *r.LogGroupName != "/aws-glue/python-jobs" {
				t.Errorf("state %s, message %q", *r.JobRunState, text(r.ErrorMessage))
			}
			if out := w.lines("output", *r.Id); !slices.Equal(out, c.out) {
				t.Errorf("output %.2000q", out)
			}
			errs := strings.Join(w.lines("error", *r.Id), "\n")
			for _, e := range c.err {
				if !strings.Contains(errs, e) {
					t.Errorf("no %q in the error log: %s", e, errs)
				}
			}
			if strings.Contains(errs, "runscript.py") || strings.Contains(errs, "runpy") {
				t.Errorf("our frames show: %s", errs)
			}
		})
	}
	if left, _ := os.ReadDir(filepath.Join(w.dir, "runs")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	return list
}

const sleeper = "import subprocess\nprint('up')\nsubprocess.run(['sleep', '300'])"

// begin starts a run of a job that prints "up" and sleeps.
func (w *world) begin(job string) string {
	w.t.Helper()
	id := w.launch(job, nil)
	w.awaitUp(id)
	return id
}

func (w *world) awaitUp(id string) {
	w.t.Helper()
	w.await(id+" to be up", func() bool { return len(w.logs["/aws-glue/python-jobs/output/"+id]) > 0 })
}

func (w *world) state(job, id string) string {
	return *must[glueapi.GetJobRunOutput](w, "GetJobRun", &glueapi.GetJobRunInput{JobName: &job, RunId: &id}).JobRun.JobRunState
}

func TestTimeoutStopAndConcurrency(t *testing.T) {
	t.Parallel()
	w := pythonWorld(t)
	w.createJob("slow", sleeper, func(in *glueapi.CreateJobInput) {
		in.Timeout, in.MaxRetries = new(int64(5)), new(int64(1))
		in.NotificationProperty = &glueapi.NotificationProperty{NotifyDelayAfter: new(int64(2))}
	})
	id := w.begin("slow")
	if s := w.state("slow", id); s != "RUNNING" {
		t.Errorf("state %s", s)
	}
	_, err := call[glueapi.StartJobRunOutput](w, "StartJobRun", &glueapi.StartJobRunInput{JobName: new("slow")})
	if err == nil || err.Error() != "ConcurrentRunsExceededException: Concurrent runs exceeded for slow" {
		t.Errorf("second run: %v", err)
	}
	w.clock.Advance(5 * time.Minute)
	r := w.end("slow", id)
	if *r.JobRunState != "TIMEOUT" || *r.ErrorMessage != "Job run timed out" || *r.ExecutionTime != 300 {
		t.Errorf("got %s, %q, %d s", *r.JobRunState, *r.ErrorMessage, *r.ExecutionTime)
	}
	if want := `Glue Job Run Status {"jobName":"slow","severity":"INFO","notificationCondition":{"NotifyDelayAfter":2},"state":"RUNNING","jobRunId":"` + id +
		`","message":"Job is in RUNNING state","startedOn":"2026-01-02T03:04:05.000Z"}`; w.ended[0] != want {
		t.Errorf("notice %s", w.ended[0])
	}

	w.clock.Advance(time.Second)
	id = w.begin("slow")
	out := must[glueapi.BatchStopJobRunOutput](w, "BatchStopJobRun", &glueapi.BatchStopJobRunInput{JobName: new("slow"), JobRunIds: []string{id, *r.Id}})
	if len(out.SuccessfulSubmissions) != 1 || len(out.Errors) != 1 || *out.Errors[0].ErrorDetail.ErrorCode != "JobRunCannotBeStoppedException" {
		t.Errorf("stop: %+v", out)
	}
	if r := w.end("slow", id); *r.JobRunState != "STOPPED" || r.ErrorMessage != nil {
		t.Errorf("got %s, %q", *r.JobRunState, text(r.ErrorMessage))
	}
	if n := process.KillLeft(id); n > 0 {
		t.Errorf("%d processes were left", n)
	}
	runs := must[glueapi.GetJobRunsOutput](w, "GetJobRuns", &glueapi.GetJobRunsInput{JobName: new("slow")}).JobRuns
	if len(runs) != 2 || *runs[0].Id != id {
		t.Errorf("runs: %+v", runs)
	}
}

// TestRepeatedStart: a Task state that repeats its request after a restart does
// not start a second run; other callers do with each request.
func TestRepeatedStart(t *testing.T) {
	t.Parallel()
	w := pythonWorld(t)
	w.createJob("twice", "print(1)", nil)
	start := func(source, request string) string {
		t.Helper()
		ctx := bus.With(t.Context(), bus.Caller{Account: "111122223333", Region: "eu-west-1", Source: source, RequestID: request})
		out, err := bus.Invoke[glueapi.StartJobRunOutput](ctx, w.bus, "glue", "StartJobRun", &glueapi.StartJobRunInput{JobName: new("twice")})
		if err != nil {
			t.Fatal(err)
		}
		w.end("twice", *out.JobRunId)
		return *out.JobRunId
	}
	first := start("states", "a")
	if again := start("states", "a"); again != first {
		t.Errorf("the same request started %s and %s", first, again)
	}
	if other := start("states", "b"); other == first {
		t.Error("another request found the run of the first")
	}
	if client := start("http", "a"); client == start("http", "a") {
		t.Error("requests of clients are not repeats")
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	w := pythonWorld(t)
	w.createJob("fails", "raise KeyError('k')", func(in *glueapi.CreateJobInput) { in.MaxRetries = new(int64(2)) })
	id := *w.run("fails", map[string]string{"--a": "1"}).Id
	previous := id
	for attempt := range int64(2) {
		next := fmt.Sprintf("%s_attempt_%d", id, attempt+1)
		r := w.end("fails", next)
		if *r.JobRunState != "FAILED" || *r.Attempt != attempt+1 || *r.PreviousRunId != previous || *r.ErrorMessage != "KeyError: 'k'" || r.Arguments["--a"] != "1" {
			t.Errorf("attempt %d: %+v", attempt+1, r)
		}
		previous = next
	}
	if n := len(must[glueapi.GetJobRunsOutput](w, "GetJobRuns", &glueapi.GetJobRunsInput{JobName: new("fails")}).JobRuns); n != 3 {
		t.Errorf("%d runs", n)
	}
}

// TestServerDies restarts the server under a run: the run has failed, its
// processes are gone, and an attempt that is left is made.
func TestServerDies(t *testing.T) {
	t.Parallel()
	w := pythonWorld(t)
	w.createJob("slow", sleeper, func(in *glueapi.CreateJobInput) { in.MaxRetries = new(int64(1)) })
	id := w.begin("slow")
	w.stop()
	if s := w.state("slow", id); s != "RUNNING" {
		t.Errorf("state %s", s)
	}
	// What a killed server leaves: a process of the run, and its files.
	left, started := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		if _, err := process.Run(t.Context(), process.Spec{Path: "/bin/sleep", Args: []string{"300"}, Mark: id,
			Started: func(*process.Running) { close(started) }}); err != nil {
			t.Error(err)
			close(started)
		}
	}()
	<-started
	if err := os.MkdirAll(filepath.Join(w.dir, "runs", id, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.start()
	r := w.end("slow", id)
	if *r.JobRunState != "FAILED" || *r.ErrorMessage != lostMessage {
		t.Errorf("got %s, %q", *r.JobRunState, text(r.ErrorMessage))
	}
	if _, err := os.Stat(filepath.Join(w.dir, "runs", id)); err == nil {
		t.Error("files are left")
	}
	<-left
	w.awaitUp(id + "_attempt_1")
}

// TestWheels builds environments with pip. Each takes seconds, so its runs go
// on side by side.
func TestWheels(t *testing.T) {
	t.Parallel()
	w := pythonWorld(t)
	python, err := process.FindPython(t.Context())
	if err == nil {
		err = process.CheckVenv(t.Context(), python)
	}
	if err != nil {
		t.Skip(err)
	}
	info := "Metadata-Version: 2.1\nName: wheelmod\nVersion: 1.0\n"
	w.objects["code/wheelmod-1.0-py3-none-any.whl"] = archive(t, map[string]string{
		"wheelmod.py": "value = 'from a wheel'", "wheelmod-1.0.dist-info/METADATA": info,
		"wheelmod-1.0.dist-info/WHEEL":  "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"wheelmod-1.0.dist-info/RECORD": "wheelmod.py,,\nwheelmod-1.0.dist-info/METADATA,,\nwheelmod-1.0.dist-info/WHEEL,,\nwheelmod-1.0.dist-info/RECORD,,\n",
	})
	w.objects["code/as-data/wheelmod-1.0-py3-none-any.whl.bin"] = w.objects["code/wheelmod-1.0-py3-none-any.whl"]
	w.createJob("wheel", "import wheelmod\nprint(wheelmod.value)", func(in *glueapi.CreateJobInput) {
		in.DefaultArguments = map[string]string{"--python-modules-installer-option": "--no-index"}
		in.ExecutionProperty = &glueapi.ExecutionProperty{MaxConcurrentRuns: new(int64(3))}
	})
	wheels := map[string]string{}
	for _, name := range []string{"--extra-py-files", "--additional-python-modules"} {
		wheels[name] = w.launch("wheel", map[string]string{name: "s3://code/wheelmod-1.0-py3-none-any.whl"})
	}
	absent := w.launch("wheel", map[string]string{"--additional-python-modules": "no-such-project-x"})
	w.createJob("installs", `import os, subprocess, sys
os.rename(sys.path[0] + "/wheelmod-1.0-py3-none-any.whl.bin", sys.path[0] + "/wheelmod-1.0-py3-none-any.whl")
subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-index", sys.path[0] + "/wheelmod-1.0-py3-none-any.whl"], check=True)
import wheelmod
print(wheelmod.value, wheelmod.__file__.startswith(sys.prefix))`, func(in *glueapi.CreateJobInput) {
		// A name pip does not take: the file is only copied.
		in.DefaultArguments = map[string]string{"--extra-py-files": "s3://code/as-data/wheelmod-1.0-py3-none-any.whl.bin"}
	})
	r := w.run("installs", nil)
	if out := w.lines("output", *r.Id); *r.JobRunState != "SUCCEEDED" || !slices.Equal(out, []string{"from a wheel False"}) {
		t.Errorf("installs: %s, %q, %q, %q", *r.JobRunState, text(r.ErrorMessage), out, w.lines("error", *r.Id))
	}
	for name, id := range wheels {
		r := w.end("wheel", id)
		if out := w.lines("output", id); *r.JobRunState != "SUCCEEDED" || !slices.Equal(out, []string{"from a wheel"}) {
			t.Errorf("%s: %s, %q, %q", name, *r.JobRunState, text(r.ErrorMessage), out)
		}
	}
	r = w.end("wheel", absent)
	if errs := strings.Join(w.lines("error", *r.Id), "\n"); text(r.ErrorMessage) != "Failed to install no-such-project-x: exit code 1" || !strings.Contains(errs, "ERROR: No matching distribution") {
		t.Errorf("%s, %q, %q", *r.JobRunState, text(r.ErrorMessage), errs)
	}
}

func TestLibraries(t *testing.T) {
	sets := readLibraries()
	for _, c := range []struct {
		set    string
		found  scanned
		chosen []string
		want   string
	}{
		{"", scanned{Imports: []string{"boto3", "botocore", "json"}}, nil, "boto3>=1.28"},
		{"analytics", scanned{Imports: []string{"psycopg2", "sqlalchemy", "redshift_connector"}, Texts: []string{"postgresql"}}, nil,
			"SQLAlchemy>=1.4.36,<2.1 psycopg2-binary>=2.9.3 redshift-connector>=2.0.907"},
		{"", scanned{Imports: []string{"pandas"}}, nil, "pandas>=1.4.2"},
		{"", scanned{Imports: []string{"pandas"}, Texts: []string{"parquet", "s3://"}}, nil, "pandas>=1.4.2 pyarrow s3fs>=2022.3.0"},
		{"", scanned{Imports: []string{"pandas", "redshift_connector"}}, []string{"Pandas==1.5.3", "/x/redshift_connector-2.1-py3-none-any.whl"}, ""},
		{"", scanned{Imports: []string{"requests"}, Provides: []string{"requests"}}, nil, ""},
		{"none", scanned{Imports: []string{"boto3", "pandas"}}, nil, "boto3>=1.28"},
	} {
		if got := strings.Join(c.found.needs(sets.of(c.set), c.chosen), " "); got != c.want {
			t.Errorf("%s %+v: got %s, want %s", c.set, c.found, got, c.want)
		}
	}
}
