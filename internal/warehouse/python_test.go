package warehouse

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stepwell/internal/sqlerr"
)

// localPython runs functions with the python3 of this machine.
type localPython struct{ path string }

type localChild struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (p localPython) Start(_ context.Context, script string) (PythonChild, error) {
	c := &localChild{cmd: exec.Command(p.path, "-I", "-c", script)}
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	return c, c.cmd.Start()
}

func (c *localChild) Say(line string) error {
	_, err := io.WriteString(c.in, line+"\n")
	return err
}

func (c *localChild) Hear() (string, error) {
	line, err := c.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

func (c *localChild) Close() error {
	c.in.Close()
	_ = c.cmd.Process.Kill() // it may have ended
	_ = c.cmd.Wait()
	return nil
}

// TestPython runs testdata/python.script: its answers need a Python.
func TestPython(t *testing.T) {
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	x := newWorld(t)
	x.w.options.Python = localPython{path}
	const file = "testdata/python.script"
	blocks := readBlocks(t, file)
	for i := range blocks {
		b := &blocks[i]
		got := x.run(b)
		if *rewrite {
			b.want, b.expects = got, got != ""
		} else if got != b.want {
			t.Errorf("%s:%d: %s\n%s\ngot:\n%s\nwant:\n%s", file, b.line, b.command, b.input, got, b.want)
		}
	}
	if *rewrite {
		writeBlocks(t, file, blocks)
	}
}

// TestCancelPython cancels a function that does not end.
func TestCancelPython(t *testing.T) {
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	x := newWorld(t)
	x.w.options.Python = localPython{path}
	s := x.session("")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Execute(ctx, "CREATE FUNCTION f_forever(n int) RETURNS int STABLE AS $$\nwhile True: pass\n$$ LANGUAGE plpythonu; CREATE TABLE t (n int); INSERT INTO t VALUES (1)", Discard{}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Execute(ctx, "SELECT f_forever(n) FROM t", Discard{}) }()
	for {
		s.cancelMu.Lock()
		busy := s.current != ""
		s.cancelMu.Unlock()
		if busy {
			break
		}
	}
	s.Cancel()
	if err := <-ended; sqlerr.From(err).Code != sqlerr.QueryCanceled {
		t.Fatal(err)
	}
}
