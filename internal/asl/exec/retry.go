package exec

import (
	"math"
	"slices"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// matches reports whether an ErrorEquals list names the failure.
func (e *failure) matches(names []string) bool {
	if e.terminal {
		return false
	}
	name := ""
	if e.Error != nil {
		name = *e.Error
	}
	return slices.ContainsFunc(names, func(n string) bool {
		switch n {
		case errAll:
			return true // also States.DataLimitExceeded, whatever the developer guide says
		case errTaskFailed:
			return name != errTimeout
		case errHeartbeat:
			return e.heartbeat || name == errHeartbeat
		}
		return e.Error != nil && n == name
	})
}

// handle takes a failed state to its Retry, its Catch, or out of its machine.
func (x *Execution) handle(f *frame) {
	if x.retry(f) {
		return
	}
	s := f.state
	if s != nil && f.fail.inside {
		x.event(f, &record{op: opEvent, event: &Event{Type: EventType(s.Type + "StateFailed")}})
	}
	if s != nil && x.catch(f) {
		return
	}
	if f.parent == nil {
		x.end(&Result{Status: Failed, Error: f.fail.Error, Cause: f.fail.Cause}, f.last)
		return
	}
	x.failKids(f.parent, f, *f.fail)
}

// retry sets the backoff of the first retrier that names the failure.
func (x *Execution) retry(f *frame) bool {
	if f.state == nil {
		return false
	}
	for i, r := range f.state.Retry {
		if !f.fail.matches(r.ErrorEquals) {
			continue
		}
		made := int64(0)
		if f.retries != nil {
			made = f.retries[i]
		}
		if made >= r.MaxAttempts {
			return false
		}
		due := x.now + int64(x.delay(r, made)*1000)
		x.emit(&record{op: opRetry, frame: f.id, num: int64(i), due: due})
		if due <= x.now {
			x.emit(&record{op: opAgain, frame: f.id})
		}
		return true
	}
	return false
}

// delay is the backoff in seconds before the retry after made ones.
func (x *Execution) delay(r syntax.Retrier, made int64) float64 {
	const longest = 99999999
	d := float64(r.Interval) * math.Pow(r.BackoffRate, float64(made))
	if r.MaxDelay > 0 {
		d = min(d, float64(r.MaxDelay))
	}
	if r.FullJitter {
		d *= x.env.Random()
	}
	return min(d, longest)
}

// catch goes to the state of the first catcher that names the failure.
func (x *Execution) catch(f *frame) bool {
	for _, c := range f.state.catchers {
		if !f.fail.matches(c.errors) {
			continue
		}
		text := func(s *string) value.Value {
			if s == nil {
				return nil
			}
			return *s
		}
		out := value.NewObject(value.Member{Name: "Error", Value: text(f.fail.Error)}, value.Member{Name: "Cause", Value: text(f.fail.Cause)})
		if f.fail.Cause == nil && f.fail.Error != nil {
			out.Set("Cause", "")
		}
		result := value.Text(out)
		data, assigned, err := x.caught(f, &c, result)
		if err == nil && len(data) > x.limits.data {
			err = tooLarge(f.state.Name)
		}
		if err != nil {
			fail := x.failureOf(f, err)
			fail.terminal = true
			x.fail(f, fail)
			return true
		}
		x.event(f, &record{op: opExit, next: c.next, event: &Event{Type: EventType(f.state.Type + "StateExited"), Name: f.state.Name, Output: data, Assigned: assigned}})
		return true
	}
	return false
}

// caught is what a catcher hands on, and the variables it assigns.
func (x *Execution) caught(f *frame, c *catcher, result []byte) ([]byte, map[string]string, error) {
	if f.state.query {
		sc := x.scope(f, f.input)
		sc.failed = result
		return sc.exit(c.output, c.assign, result)
	}
	data, err := x.placeResult(f, c.resultPath, result)
	if err != nil {
		return nil, nil, err
	}
	assigned, err := x.assigned(f, c.assign, result)
	return data, assigned, err
}
