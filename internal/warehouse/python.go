package warehouse

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// pythonLanguage is the LANGUAGE of functions in Python.
const pythonLanguage = "plpythonu"

// Python starts Python for functions.
type Python interface {
	// Start runs a script in a child process. Without a Python on this machine
	// the error names it.
	Start(ctx context.Context, script string) (PythonChild, error)
}

// PythonChild is a child that reads and writes lines.
type PythonChild interface {
	Say(line string) error
	Hear() (string, error) // of at most 200 KiB
	Close() error
}

//go:embed python.py
var pythonScript string

// pythonFunction is what a call tells of its function: the one that calls, and
// the body with its arguments' names and the types as pythonKinds has them.
type pythonFunction struct {
	PID     int32    `json:"pid"`
	Name    string   `json:"name"`
	Args    []string `json:"args"`
	Types   []string `json:"types"`
	Returns string   `json:"returns"`
	Body    string   `json:"body"`
}

// pythonKinds are the types a function in Python can have ("Python UDF data
// types"), by what their values are in Python.
var pythonKinds = map[types.Kind]string{
	types.Smallint: "int", types.Integer: "int", types.Bigint: "int", types.Decimal: "decimal", types.Real: "float", types.Double: "float",
	types.Boolean: "bool", types.Char: "str", types.Varchar: "str", types.Date: "date", types.Timestamp: "timestamp",
}

// pythonTypes refuses what a function in Python cannot take or give.
func pythonTypes(list []syntax.TypeName) error {
	for _, n := range list {
		t, err := types.Parse(n.Name, n.Args, n.Nested)
		if err != nil {
			return err
		}
		if pythonKinds[t.Kind] == "" {
			return sqlerr.NotImplemented("Python function with the type " + t.Base())
		}
	}
	return nil
}

// pythonCall is the text that names a function to callPython.
func (s *Session) pythonCall(f *sqlFunction) string {
	kind := func(n syntax.TypeName) string {
		t, _ := types.Parse(n.Name, n.Args, n.Nested)
		return pythonKinds[t.Kind]
	}
	p := pythonFunction{PID: s.pid, Name: f.name, Args: f.names, Returns: kind(f.returns), Body: f.body}
	for _, a := range f.args {
		p.Types = append(p.Types, kind(a))
	}
	text, _ := json.Marshal(p) // strings and a number
	return string(text)
}

// pythonPool are the idle children of one session, by their function. A child
// lives at most as long as the statement that started it.
type pythonPool struct {
	mu   sync.Mutex
	idle map[string][]PythonChild
}

func (p *pythonPool) take(function string) PythonChild {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[function]
	if len(list) == 0 {
		return nil
	}
	p.idle[function] = list[:len(list)-1]
	return list[len(list)-1]
}

func (p *pythonPool) give(function string, c PythonChild) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		p.idle = map[string][]PythonChild{}
	}
	p.idle[function] = append(p.idle[function], c)
}

func (s *Session) closePython() {
	s.python.mu.Lock()
	idle := s.python.idle
	s.python.idle = nil
	s.python.mu.Unlock()
	for _, list := range idle {
		for _, c := range list {
			c.Close()
		}
	}
}

// callPython computes a chunk of a function in Python for any thread of DuckDB.
// The function is the first argument of every row. A call from a view that
// another session made finds no statement of its own to live as long as.
func (c *cluster) callPython(rows [][]*string) ([]*string, error) {
	if len(rows) == 0 || rows[0][0] == nil {
		return make([]*string, len(rows)), nil
	}
	text := *rows[0][0]
	var f pythonFunction
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return nil, fmt.Errorf("XX000:cannot read a Python function: %w", err)
	}
	ctx, pool := context.Background(), &pythonPool{}
	s := c.session(f.PID)
	if s != nil {
		s.cancelMu.Lock()
		if s.under != nil {
			ctx, pool = s.under, &s.python
		} else {
			s = nil
		}
		s.cancelMu.Unlock()
	}
	child := pool.take(text)
	if child == nil {
		var err error
		if child, err = c.startPython(ctx, text); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { child.Close() })
	defer stop()
	out, err := talkPython(child, rows)
	if err != nil || ctx.Err() != nil || s == nil {
		child.Close()
	} else {
		pool.give(text, child)
	}
	return out, err
}

func (c *cluster) startPython(ctx context.Context, function string) (PythonChild, error) {
	if c.w.options.Python == nil {
		return nil, errors.New("0A000:not implemented: functions in Python without an interpreter")
	}
	child, err := c.w.options.Python.Start(ctx, pythonScript)
	if err != nil {
		return nil, fmt.Errorf("58000:cannot run a function in Python: %w", err)
	}
	if err := child.Say(function); err != nil {
		child.Close()
		return nil, fmt.Errorf("XX000:cannot run a function in Python: %w", err)
	}
	return child, nil
}

// talkPython sends the arguments and reads the values. The answer comes in lines that
// begin with '+' but for the last: a list of texts, or the error.
func talkPython(child PythonChild, rows [][]*string) ([]*string, error) {
	args := make([][]*string, len(rows))
	for i, r := range rows {
		args[i] = r[1:]
	}
	ask, err := json.Marshal(args)
	if err == nil {
		err = child.Say(string(ask))
	}
	var answer strings.Builder
	for more := true; more && err == nil; {
		var line string
		if line, err = child.Hear(); err == nil && line != "" {
			more = line[0] == '+'
			answer.WriteString(line[1:])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("XX000:the function's Python process ended: %w", err)
	}
	var got struct {
		Values []*string `json:"values"`
		Error  string    `json:"error"`
	}
	if err := json.Unmarshal([]byte(answer.String()), &got); err != nil {
		return nil, fmt.Errorf("XX000:cannot read what a Python function gave: %w", err)
	}
	if got.Error != "" {
		return nil, errors.New("XX000:" + got.Error)
	}
	return got.Values, nil
}
