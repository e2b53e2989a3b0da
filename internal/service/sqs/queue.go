package sqs

import (
	"container/heap"
	"slices"
	"time"
)

// state is where a message stands.
type state uint8

const (
	gone     state = iota // deleted
	ready                 // can be received
	delayed               // not yet
	inFlight              // received and not deleted
	states
)

// entry is a message in memory.
type entry struct {
	*message
	receipt receipt
	state   state
	due     time.Time // of what waits
	offered bool      // stands in the queue's ready heap
}

// queue is a queue in memory. The service's mutex guards it.
type queue struct {
	record
	entries map[int64]*entry
	count   [states]int
	ready   entryHeap         // what can be received; of FIFO groups their first message
	waiting waitHeap          // delayed and in flight; may hold what no longer waits
	groups  map[string]*group // of a FIFO queue
	changed chan struct{}     // closed when something can be received
	waiters int               // receives that wait for it
	deleted bool
}

// group is a message group, in order.
type group struct {
	entries  []*entry
	inFlight int
}

func newQueue(r record) *queue {
	return &queue{record: r, entries: map[int64]*entry{}, groups: map[string]*group{}, changed: make(chan struct{})}
}

// insert adds a message.
func (q *queue) insert(m *message, r receipt) {
	e := &entry{message: m, receipt: r}
	q.entries[m.Seq] = e
	q.count[gone]++
	if q.FIFO {
		g := q.groups[m.Group]
		if g == nil {
			g = &group{}
			q.groups[m.Group] = g
		}
		g.entries = append(g.entries, e)
	}
	switch {
	case r.Count > 0:
		q.set(e, inFlight, r.Visible)
	case !m.Visible.IsZero():
		q.set(e, delayed, m.Visible)
	default:
		q.set(e, ready, time.Time{})
	}
}

// set changes the state of a message, until due where it waits.
func (q *queue) set(e *entry, to state, due time.Time) {
	from := e.state
	q.count[from]--
	q.count[to]++
	e.state, e.due = to, due
	g := q.groups[e.Group]
	if q.FIFO && from == inFlight {
		g.inFlight--
	}
	if q.FIFO && to == inFlight {
		g.inFlight++
	}
	switch to {
	case gone:
		delete(q.entries, e.Seq)
		if q.FIFO {
			q.leave(g, e)
		}
	case delayed, inFlight:
		heap.Push(&q.waiting, wait{due, e})
		q.wake() // a waiter may have to be woken by another time
	case ready:
		if !q.FIFO {
			q.offer(e)
		}
	}
	if q.FIFO {
		q.offerGroup(g)
	}
}

func (q *queue) leave(g *group, e *entry) {
	i, ok := slices.BinarySearchFunc(g.entries, e.Seq, func(x *entry, seq int64) int {
		return int(min(max(x.Seq-seq, -1), 1))
	})
	if ok && i == 0 {
		g.entries = g.entries[1:]
	} else if ok {
		g.entries = slices.Delete(g.entries, i, i+1)
	}
	if len(g.entries) == 0 {
		delete(q.groups, e.Group)
	}
}

// offerGroup offers the first message of a group that nothing blocks.
func (q *queue) offerGroup(g *group) {
	if g.inFlight == 0 && len(g.entries) > 0 && g.entries[0].state == ready {
		q.offer(g.entries[0])
	}
}

func (q *queue) offer(e *entry) {
	if !e.offered {
		e.offered = true
		heap.Push(&q.ready, e)
	}
	q.wake()
}

// wake wakes the receives that wait.
func (q *queue) wake() {
	if q.waiters == 0 {
		return
	}
	close(q.changed)
	q.changed = make(chan struct{})
}

// advance makes visible what is due, and returns when the next will be.
func (q *queue) advance(now time.Time) (next time.Time) {
	for len(q.waiting) > 0 {
		w := q.waiting[0]
		if stale := w.e.state != delayed && w.e.state != inFlight || !w.e.due.Equal(w.due); !stale {
			if w.due.After(now) {
				return w.due
			}
			q.set(w.e, ready, time.Time{})
		}
		heap.Pop(&q.waiting)
	}
	return time.Time{}
}

// take removes up to n messages from what can be received; they are in flight
// until the given time.
func (q *queue) take(n int, until time.Time) (taken []*entry) {
	for len(taken) < n && len(q.ready) > 0 {
		e := heap.Pop(&q.ready).(*entry)
		e.offered = false
		if e.state != ready {
			continue
		}
		if !q.FIFO {
			q.set(e, inFlight, until)
			taken = append(taken, e)
			continue
		}
		g := q.groups[e.Group]
		if g.inFlight > 0 || g.entries[0] != e {
			continue // it is offered again when nothing blocks it
		}
		for _, e := range slices.Clone(g.entries) {
			if len(taken) == n || e.state != ready {
				break
			}
			q.set(e, inFlight, until)
			taken = append(taken, e)
		}
	}
	return taken
}

// retention is how long messages are kept.
func (q *queue) retention() time.Duration { return q.seconds("MessageRetentionPeriod") }

// expired lists what is older than the queue keeps messages.
func (q *queue) expired(now time.Time) (old []*entry) {
	limit := now.Add(-q.retention())
	for _, e := range q.entries {
		if e.Sent.Before(limit) {
			old = append(old, e)
		}
	}
	return old
}

// entryHeap orders messages as they were sent.
type entryHeap []*entry

func (h entryHeap) Len() int           { return len(h) }
func (h entryHeap) Less(i, j int) bool { return h[i].Seq < h[j].Seq }
func (h entryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *entryHeap) Push(x any)        { *h = append(*h, x.(*entry)) }
func (h *entryHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}

type wait struct {
	due time.Time
	e   *entry
}

// waitHeap orders what waits by its time.
type waitHeap []wait

func (h waitHeap) Len() int           { return len(h) }
func (h waitHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h waitHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *waitHeap) Push(x any)        { *h = append(*h, x.(wait)) }
func (h *waitHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
