package exec

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	randv2 "math/rand/v2"
	"time"
)

// frame is one running machine: the top level, a branch, an iteration.
type frame struct {
	id     uint32
	parent *frame
	index  int // which branch or iteration
	prog   *program
	vars   map[string][]byte
	last   int64 // the event before this frame's next one
	gone   bool

	phase   phase
	next    string // moving: the state to enter
	data    []byte // moving: its input; done: the machine's output; result: the state's result
	state   *state
	input   []byte // the state's raw input
	entered int64  // when, unix milliseconds
	id2     int64  // the id of the ...StateEntered event
	before  int64  // the event before that
	retries []int64
	attempt int
	due     int64    // waiting, backoff
	fail    *failure // failing
	task    *flight  // inTask
	run     *runSpec // inRun
	runAt   int64    // the id of its MapRunStarted event
	spent   *runSpec // failing: the Map run that failed, for a redrive
	kids    *kids    // inKids, joined
	lost    *kids    // failing: those that were given up, for a redrive
}

type phase uint8

const (
	moving  phase = iota // to enter next with data
	fresh                // entered, to be executed
	waiting              // a Wait state until due
	waited               // the wait is over
	inTask               // a task is in flight
	gotten               // the task's result is in data
	inRun                // a Map run is in flight
	again                // a Map run is to be redriven
	inKids               // branches or iterations run
	joined               // all of them have ended
	failing              // fail goes to Retry and Catch
	backoff              // a retry comes when due
	done                 // the machine's output is in data
)

func (f *frame) runnable() bool {
	switch f.phase {
	case waiting, inTask, inRun, backoff:
		return false
	case inKids:
		return f.kids.startable()
	}
	return true
}

// flight is a task in flight.
type flight struct {
	id         TaskID
	token      string
	due        int64 // of the timeout; 0: none
	beat       int64 // of the heartbeat; 0: none
	period     int64 // of the heartbeat, milliseconds
	timeout    int64 // seconds, 0: none
	parameters []byte
	role       []byte // evaluated Credentials
	started    bool
	submitted  bool
	output     []byte
	handle     []byte
}

func (t *flight) nextDue() int64 {
	if t.due == 0 || t.beat != 0 && t.beat < t.due {
		return t.beat
	}
	return t.due
}

// nextDue is when the frame wants to be woken; 0: not at all.
func (f *frame) nextDue() int64 {
	switch f.phase {
	case waiting, backoff:
		return f.due
	case inTask:
		return f.task.nextDue()
	}
	return 0
}

// kids are the branches of a Parallel state or the iterations of a Map state.
type kids struct {
	length  int
	next    int // the next one to start
	ended   int
	running int
	most    int      // how many may run at once
	link    int64    // the event before the next MapIterationStarted
	items   [][]byte // Map: the items
	results [][]byte
	frames  []*frame // those that run
}

func (k *kids) startable() bool { return k.next < k.length && k.running < k.most }

func (x *Execution) frame(id uint32) *frame {
	if id == 0 {
		return x.top
	}
	return x.frames[id]
}

// child makes a frame below f.
func (x *Execution) child(f *frame, index int, prog *program, input []byte, last int64) *frame {
	x.nextID++
	c := &frame{id: x.nextID, parent: f, index: index, prog: prog, last: last, phase: moving, next: prog.start, data: input}
	if x.frames == nil {
		x.frames = map[uint32]*frame{}
	}
	x.frames[c.id] = c
	f.kids.frames = append(f.kids.frames, c)
	f.kids.running++
	x.ready = append(x.ready, c)
	return c
}

// drop forgets a frame and all below it.
func (x *Execution) drop(f *frame) {
	f.gone = true
	delete(x.frames, f.id)
	if f.kids != nil {
		for _, k := range f.kids.frames {
			x.drop(k)
		}
	}
}

// lookup finds a variable in the frame's scope or an outer one.
func (f *frame) lookup(name string) ([]byte, bool) {
	for ; f != nil; f = f.parent {
		if v, ok := f.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// item finds the iteration the frame is in: $$.Map.Item.
func (f *frame) item() (index int, v []byte, ok bool) {
	for ; f != nil && f.parent != nil; f = f.parent {
		if p := f.parent; p.kids != nil && p.kids.items != nil {
			return f.index, p.kids.items[f.index], true
		}
	}
	return 0, nil, false
}

func (f *frame) deadline(seconds int64, now int64) int64 {
	if seconds <= 0 {
		return 0
	}
	return now + seconds*int64(time.Second/time.Millisecond)
}

func randomToken(string, TaskID) string {
	b := make([]byte, 48)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func randomUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func random() float64 { return randv2.Float64() }
