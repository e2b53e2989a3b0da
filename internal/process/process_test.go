package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// testMark names the trees of this test process only.
func testMark(name string) string { return fmt.Sprintf("test-%d-%s", os.Getpid(), name) }

// collect is a pair of sinks that keep what they get.
type collect struct {
	mu       sync.Mutex
	out, err []string
}

func (c *collect) sink(to *[]string) func(string) {
	return func(l string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		*to = append(*to, l)
	}
}

func shell(script string) (Spec, *collect) {
	c := &collect{}
	return Spec{
		Path: "sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")},
		Stdout: c.sink(&c.out), Stderr: c.sink(&c.err),
	}, c
}

func TestRun(t *testing.T) {
	t.Setenv("STEPWELL_TEST_SECRET", "x")
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		name, script string
		want         Result
		out, err     []string
	}{
		{name: "lines of both streams", script: "echo a; echo b >&2; printf 'c\\r\\nd'", out: []string{"a", "c", "d"}, err: []string{"b"}},
		{name: "exit code", script: "exit 7", want: Result{Code: 7}},
		{name: "signal", script: "kill -9 $$", want: Result{Code: -1, Signal: syscall.SIGKILL}},
		{name: "only the given environment", script: "echo \"$STEPWELL_TEST_SECRET|$HOME\"", out: []string{"|"}},
		{name: "long line in pieces", script: fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x; echo", maxLine+3), out: []string{long, "xxx"}},
		{name: "not UTF-8", script: "printf '\\377a\\n'", out: []string{"\uFFFDa"}},
		{name: "children left in the group die", script: "sleep 100 & echo done", out: []string{"done"}},
		{name: "children that left the group die", script: "setsid sleep 100 & echo done", out: []string{"done"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, got := shell(c.script)
			s.Mark = testMark(c.name)
			start := time.Now()
			r, err := Run(t.Context(), s)
			if err != nil || r != c.want || !slices.Equal(got.out, c.out) || !slices.Equal(got.err, c.err) {
				t.Errorf("got %v, %v, %.100q, %.100q", r, err, got.out, got.err)
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestNothingIsLost reads a lot through a slow sink after the process has ended.
func TestNothingIsLost(t *testing.T) {
	s, _ := shell("seq 1 5000")
	n, sum := 0, 0
	s.Stdout = func(l string) {
		if n == 4990 {
			time.Sleep(drainGrace + 100*time.Millisecond)
		}
		v, _ := strconv.Atoi(l)
		n, sum = n+1, sum+v
	}
	if _, err := Run(t.Context(), s); err != nil || n != 5000 || sum != 5000*5001/2 {
		t.Errorf("got %d lines, sum %d, %v", n, sum, err)
	}
}

func TestCancelKillsTheTree(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         Result
		out          []string
	}{
		{"asked first", "trap 'echo bye; exit 3' TERM; echo $$; while :; do sleep 0.05; done", Result{Code: 3}, []string{"bye"}},
		{"then killed", "trap '' TERM; echo $$; while :; do sleep 0.05; done", Result{Code: -1, Signal: syscall.SIGKILL}, nil},
		{"with a child in its own session", "setsid sh -c 'trap \"\" TERM; sleep 100' & echo $$; sleep 100", Result{Code: -1, Signal: syscall.SIGTERM}, nil},
		{"with a child that loads one program after another", `printf 'exec sh "$0"' >loads; setsid sh loads & echo $$; sleep 100`,
			Result{Code: -1, Signal: syscall.SIGTERM}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s, got := shell(c.script)
			s.Mark, s.Grace, s.Dir = testMark("cancel-"+c.name), 300*time.Millisecond, t.TempDir()
			keep := s.Stdout
			s.Stdout = func(l string) {
				cancel() // the first line: it is up
				keep(l)
			}
			r, err := Run(ctx, s)
			if err != nil || r != c.want || !slices.Equal(got.out[1:], c.out) {
				t.Errorf("got %v, %v, %q", r, err, got.out)
			}
			if left := marked(markVariable + "=" + s.Mark); len(left) > 0 {
				t.Errorf("left running: %v", left)
			}
		})
	}
}

func TestStartErrors(t *testing.T) {
	for _, s := range []Spec{
		{Path: "no-such-program", Env: []string{"PATH=/usr/bin"}},
		{Path: "/no/such/program"},
		{Path: "/bin/sh", Dir: "/no/such/dir"},
	} {
		if _, err := Run(t.Context(), s); err == nil || !strings.HasPrefix(err.Error(), "cannot start ") {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// TestDiesWithTheServer runs this test binary as a server that is killed.
func TestDiesWithTheServer(t *testing.T) {
	mark := os.Getenv("STEPWELL_TEST_SERVER")
	if mark != "" {
		s, _ := shell("echo up; sleep 100 & sleep 100")
		s.Mark, s.Stdout = mark, func(string) { fmt.Println("up") }
		Run(context.Background(), s)
		return
	}
	mark = testMark("orphan")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := Spec{
		Path: os.Args[0], Args: []string{"-test.run", "^TestDiesWithTheServer$"},
		Env:   []string{"PATH=" + os.Getenv("PATH"), "STEPWELL_TEST_SERVER=" + mark},
		Grace: time.Nanosecond, // to SIGKILL at once, as a crash is
		Stdout: func(l string) {
			if l == "up" {
				cancel()
			}
		},
	}
	if _, err := Run(ctx, server); err != nil {
		t.Fatal(err)
	}
	KillLeft(mark)
	if left := marked(markVariable + "=" + mark); len(left) > 0 {
		t.Errorf("left running: %v", left)
	}
}

func TestFindPython(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", "#!/bin/sh\ncase \"$3\" in import\\ venv*) exit 1;; esac\necho '{\"path\":\"'$0'\",\"version\":\"3.11.2\",\"major\":3,\"minor\":11}'\n")
	old := write("old", "#!/bin/sh\necho '{\"path\":\"/o\",\"version\":\"2.7.18\",\"major\":2,\"minor\":7}'\n")
	broken := write("broken", "#!/bin/sh\necho no >&2; exit 1\n")
	t.Setenv("PATH", dir)
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, "Python 3.8 or later is not on PATH; install it: " + installPython},
		{[]string{old}, "Python 3.8 or later is not at " + old + " (/o is 2.7.18); install it: " + installPython},
		{[]string{broken}, "Python 3.8 or later is not at " + broken + " (" + broken + ": it ended with exit code 1: no); install it: " + installPython},
		{[]string{old, good}, ""},
	} {
		p, err := FindPython(t.Context(), c.names...)
		if got := fmt.Sprint(err); c.want != "" && got != c.want || c.want == "" && (err != nil || p != Python{good, "3.11.2", 3, 11}) {
			t.Errorf("%v: %v, %v", c.names, p, err)
		}
	}
	err := CheckVenv(t.Context(), Python{Path: good, Version: "3.11.2"})
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Install != installVenv {
		t.Errorf("CheckVenv: %v", err)
	}
}

// environments returns a builder with the machine's own Python.
func environments(t *testing.T) *Environments {
	t.Helper()
	if _, err := FindPython(t.Context()); err != nil {
		t.Skip(err)
	}
	return NewEnvironments(EnvironmentsOptions{CacheDir: t.TempDir()})
}

func TestEnvironmentWithoutRequirements(t *testing.T) {
	es := environments(t)
	var wait sync.WaitGroup
	built := make(chan bool, 8)
	for range cap(built) {
		wait.Go(func() {
			e, err := es.Get(t.Context(), Requirements{}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			built <- e.Built
		})
	}
	wait.Wait()
	close(built)
	n := 0
	for b := range built {
		if b {
			n++
		}
	}
	if n != 1 {
		t.Errorf("built %d times", n)
	}
	e, err := es.Get(t.Context(), Requirements{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := ask(t.Context(), e.Python, "import sys; print(sys.prefix)"); err != nil || strings.TrimSpace(out) != e.Dir {
		t.Errorf("got %q, %v", out, err)
	}
	// A builder that was killed leaves no marker: the next one starts anew.
	os.Remove(filepath.Join(e.Dir, marker))
	os.WriteFile(filepath.Join(e.Dir, "half"), nil, 0o644)
	if e, err = es.Get(t.Context(), Requirements{}, nil); err != nil || !e.Built {
		t.Fatal(e, err)
	}
	if _, err := os.Stat(filepath.Join(e.Dir, "half")); err == nil {
		t.Error("an unfinished environment was used")
	}
}

func TestEnvironmentFails(t *testing.T) {
	es := environments(t)
	p, err := es.Python(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckVenv(t.Context(), p); err != nil {
		t.Skip(err)
	}
	wheel := filepath.Join(t.TempDir(), "broken-1-py3-none-any.whl")
	if err := os.WriteFile(wheel, []byte("not a wheel"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = es.Get(t.Context(), Requirements{Wheels: []string{wheel}, Pip: []string{"--no-index"}}, nil)
	var build *BuildError
	if !errors.As(err, &build) {
		t.Fatalf("got %v", err)
	}
	log, _ := os.ReadFile(build.Log)
	if build.Step != "install broken-1-py3-none-any.whl" || build.Result != "exit code 1" || !strings.Contains(string(log), build.Output) || !strings.Contains(build.Output, "ERROR") {
		t.Errorf("got %+v, log %q", build, log)
	}
	if left, _ := filepath.Glob(filepath.Join(es.options.CacheDir, "python", "*", "bin")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestBuilderDies kills a builder in the middle; the next one starts anew. The
// interpreter is a script that stops in the middle the first time.
func TestBuilderDies(t *testing.T) {
	if cache := os.Getenv("STEPWELL_TEST_CACHE"); cache != "" {
		es := NewEnvironments(EnvironmentsOptions{CacheDir: cache, Python: []string{cache + "/interpreter"}})
		_, err := es.Get(t.Context(), Requirements{}, func(l string) { fmt.Println(l) })
		t.Fatal("not killed", err)
	}
	cache := t.TempDir()
	script := `#!/bin/sh
if [ "$2" = -c ]; then echo '{"path":"'$0'","version":"3.11.2","major":3,"minor":11}'; exit; fi
for dir; do :; done
mkdir -p $dir/bin && ln -s $0 $dir/bin/python
if [ ! -e ` + cache + `/tried ]; then touch ` + cache + `/tried $dir/half; echo half; sleep 300; fi
`
	if err := os.WriteFile(cache+"/interpreter", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said []string
	_, err := Run(ctx, Spec{
		Path: os.Args[0], Args: []string{"-test.run", "^TestBuilderDies$"}, Grace: time.Nanosecond,
		Env: []string{"PATH=" + os.Getenv("PATH"), "STEPWELL_TEST_CACHE=" + cache},
		Stdout: func(l string) {
			if said = append(said, l); l == "half" {
				cancel()
			}
		},
	})
	if err != nil || !slices.Contains(said, "half") {
		t.Fatal(err, said)
	}
	es := NewEnvironments(EnvironmentsOptions{CacheDir: cache, Python: []string{cache + "/interpreter"}})
	e, err := es.Get(t.Context(), Requirements{}, nil)
	if err != nil || !e.Built {
		t.Fatal(e, err)
	}
	if _, err := os.Stat(filepath.Join(e.Dir, "half")); err == nil {
		t.Error("an unfinished environment was used")
	}
	if left := marked(markVariable + "=environment " + e.Dir); len(left) > 0 {
		t.Errorf("left running: %v", left)
	}
}

func TestEnvironmentName(t *testing.T) {
	p := Python{Path: "/usr/bin/python3", Version: "3.11.2"}
	name := func(p Python, packages ...string) string {
		n, err := environmentName(p, Requirements{Packages: packages})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	base := name(p, "a", "b")
	if base != name(p, "b", "a", "a") {
		t.Error("order or repetition changes the name")
	}
	if base == name(p, "a") || base == name(Python{Path: p.Path, Version: "3.12.1"}, "a", "b") {
		t.Error("different environments have one name")
	}
}
