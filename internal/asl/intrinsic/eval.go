package intrinsic

import (
	"fmt"

	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/value"
)

// Env is what a call is evaluated in.
type Env interface {
	// Path evaluates an argument path.
	Path(p *jsonpath.Path) (value.Value, error)
	// UUID makes a version 4 UUID.
	UUID() string
	// Random is a number in [0, 1).
	Random() float64
}

// Failure is a failed call; the state fails with States.IntrinsicFailure.
// Errors of argument paths come back unchanged.
type Failure struct {
	Call string // as written
	Text string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("The function '%s' had the following error: %s", f.Call, f.Text)
}

type function struct {
	least, most int // arguments
	run         func(c *call) (value.Value, error)
}

// call is a Call with its evaluated arguments.
type call struct {
	*Call
	env  Env
	args []value.Value
}

func (c *call) fail(format string, args ...any) error {
	return &Failure{c.Text, fmt.Sprintf(format, args...)}
}

func (c *call) invalid() error { return c.fail("Invalid arguments in %s", c.Name) }

// Eval evaluates the call.
func (c *Call) Eval(env Env) (value.Value, error) {
	run := call{Call: c, env: env, args: make([]value.Value, len(c.args))}
	for i, a := range c.args {
		var err error
		switch {
		case a.path != nil:
			run.args[i], err = env.Path(a.path)
		case a.call != nil:
			run.args[i], err = a.call.Eval(env)
		case a.text != nil:
			run.args[i] = unescape(*a.text)
		default:
			run.args[i] = a.literal
		}
		if err != nil {
			return nil, err
		}
	}
	return functions[c.Name].run(&run)
}

func (c *call) str(i int) (string, bool) {
	s, ok := c.args[i].(string)
	return s, ok
}

func (c *call) list(i int) ([]value.Value, bool) {
	l, ok := c.args[i].([]value.Value)
	return l, ok
}

// integer takes a number; a fraction is rounded to the nearest integer, as documented.
func (c *call) integer(i int) (int64, bool) {
	n, ok := c.args[i].(value.Number)
	if !ok {
		return 0, false
	}
	if k, ok := n.Int(); ok {
		return k, true
	}
	f := n.Float()
	if f < 0 {
		f -= 0.5
	} else {
		f += 0.5
	}
	if f < -9.2e18 || f > 9.2e18 {
		return 0, false
	}
	return int64(f), true
}
