package exec

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
)

// mapEvent is what happens to a Map run when that many of its children have ended.
type mapEvent struct {
	ends int
	act  func(parent, run string)
}

// arrange puts the objects of a case into place, and what is to happen:
//
//	refuse: N            BeginChild fails N times
//	stop: N              the execution is stopped when N children have ended
//	control: N A B C     MaxConcurrency, ToleratedCount and ToleratedShare change then
//	watch: N             counts how many children run at once, from the one with index N on
//	vanish: KEY          the object is gone after a crash
func (h *mapHost) arrange(c *datatest.Case) {
	for name, text := range c.Args {
		text = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(text)
		if key, ok := strings.CutPrefix(name, "object-"); ok {
			h.objects["b/"+key] = text
		}
		if key, ok := strings.CutPrefix(name, "big-"); ok { // a text with one item of that many bytes
			n, _ := strconv.Atoi(text)
			h.objects["b/"+key] = `["` + strings.Repeat("x", n) + `"]`
		}
		if kind, key, ok := strings.Cut(name, "-"); ok && packers[kind] != nil {
			h.objects["b/"+key] = packers[kind](text)
		}
	}
	h.refusals, _ = strconv.Atoi(c.Args["refuse"])
	h.watch, _ = strconv.ParseInt(c.Args["watch"], 10, 64)
	if n, err := strconv.Atoi(c.Args["stop"]); err == nil {
		h.at = append(h.at, mapEvent{n, func(parent, _ string) { _ = h.r.Deliver(parent, Stop{At: h.r.clock.Now()}) }})
	}
	if text := c.Args["control"]; text != "" {
		var n int
		var to MapControl
		if _, err := fmt.Sscan(text, &n, &to.MaxConcurrency, &to.ToleratedCount, &to.ToleratedShare); err != nil {
			panic(err)
		}
		h.at = append(h.at, mapEvent{n, func(parent, run string) {
			h.begun.MapControl = to
			_ = h.r.ControlMapRun(parent, run, to)
		}})
	}
}

// childEnds lets happen what is to happen; h.mu is held.
func (h *mapHost) childEnds(c Child) {
	h.ends++
	for _, e := range h.at {
		if e.ends == h.ends {
			e.act(c.Parent.ID, c.MapRun)
		}
	}
}

// finished lets wait go on; h.mu is held.
func (h *mapHost) finished() {
	select {
	case <-h.done:
	default:
		close(h.done)
	}
}

// running counts the children that run; h.mu is held.
func (h *mapHost) running() (n int) {
	for arn, live := range h.live {
		if live && h.ended[arn] == nil {
			n++
		}
	}
	return n
}

// survive waits for the end of the execution, also after a crash.
func (h *mapHost) survive(t *testing.T, c *datatest.Case, m *Machine, info Info, uuid func() string) (crashed bool) {
	h.wait(t)
	h.mu.Lock()
	crashed = h.dead
	h.mu.Unlock()
	if !crashed {
		return false
	}
	h.r.Close()
	h.dead, h.crash, h.done, h.death, h.live = false, 0, make(chan struct{}), make(chan struct{}), map[string]bool{}
	if key := c.Args["vanish"]; key != "" {
		delete(h.objects, "b/"+key)
	}
	if len(h.journals[info.ID]) == 0 {
		uuid = counter() // no id was kept
	}
	h.start(t, uuid)
	busy := h.r.clock.Busy() // no timer runs before the next lines are done
	h.resume(t, m, info)
	if c.Args["stop"] != "" && c.Args["redrive"] == "" { // whoever asked for it had no answer, and asks again
		_ = h.r.Deliver(info.ID, Stop{At: h.r.clock.Now()})
	}
	busy()
	h.wait(t)
	return true
}

// violations tells what is wrong with the counts of a Map run that is over, or
// with its children; h.mu is held.
func (h *mapHost) violations(parent string) (out string) {
	if h.noted.ID == "" || h.ended[parent] == nil || h.dead { // a dead host left them to the next one
		return ""
	}
	n := h.noted.Children
	if n.Running != 0 || n.ended()+n.Pending != n.Total {
		out += fmt.Sprintf("\nthe counts are wrong: %+v", n)
	}
	if want := h.ended[parent].Status; h.noted.Status != want && (want == Aborted || h.noted.Status == Running) {
		out += fmt.Sprintf("\nthe Map run is noted as %s, its execution is %s", h.noted.Status, want)
	}
	for arn, c := range h.parent {
		if h.ended[arn] == nil && !c.Express {
			out += fmt.Sprintf("\nchild %d runs", c.Index)
		}
	}
	return out
}

// over waits for the Map runs whose execution did not wait for them.
func (h *mapHost) over() {
	h.r.mu.Lock()
	var runs []*mapRunner
	for _, m := range h.r.runs {
		runs = append(runs, m)
	}
	h.r.mu.Unlock()
	for _, m := range runs {
		select {
		case <-m.done:
		case <-time.After(20 * time.Second):
			panic("a Map run does not end")
		case <-h.death:
		}
	}
}

func (h *mapHost) BeginMapRun(_ context.Context, m MapRun) (MapBegun, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead {
		return MapBegun{}, errDead
	}
	if h.ended[m.Execution] != nil {
		return MapBegun{}, ErrNoExecution
	}
	if h.begun == nil {
		h.begun = &MapBegun{MapControl: m.MapControl}
		return *h.begun, nil
	}
	h.begun.Again, h.begun.Kept = true, h.noted.Kept
	if h.noted.Status != Running && m.Redrives > 0 {
		h.begun.Items, h.begun.Children = h.noted.Items, h.noted.Children
	}
	return *h.begun, nil
}

func (h *mapHost) NoteMapRun(_ context.Context, p MapProgress) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.step(); err != nil {
		return err
	}
	h.noted = p
	return nil
}

// AbandonChildren aborts what a dead host left running.
func (h *mapHost) AbandonChildren(_ context.Context, m MapRun) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for arn, c := range h.parent {
		if c.MapRun == m.ID && !h.live[arn] && h.ended[arn] == nil && !c.Express {
			h.ended[arn] = &Result{Status: Aborted}
		}
	}
	return nil
}

// memory is a Scratch.
type memory struct{ text []byte }

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	m.text = append(m.text[:at], p...)
	return len(p), nil
}

func (m *memory) ReadAt(p []byte, at int64) (int, error) { return copy(p, m.text[at:]), nil }
func (m *memory) Close() error                           { return nil }

func (h *mapHost) Scratch() (Scratch, error) { return &memory{}, nil }
