package logs

import (
	"fmt"
	"slices"
	"sort"

	"stepwell/internal/store"
)

// reader reads a stream's events in the order of their keys.
type reader struct {
	tx     *store.Tx
	stream *stream
	sorted []event // all events of a disordered stream, once needed
}

// ahead is how many blocks are read at a time.
const ahead = 8

// locate finds the last block that begins before k, the first one where none
// does. The stream must be in order.
func (r *reader) locate(k key) (seq int64, err error) {
	n := sort.Search(int(r.stream.Blocks), func(i int) bool {
		if err != nil {
			return true
		}
		var entries [][]byte
		if entries, err = r.tx.Read(r.stream.journal(), int64(i)+1, 1); err != nil || len(entries) == 0 {
			return true
		}
		var start key
		start, err = blockStart(entries[0])
		return !start.less(k)
	})
	return max(1, int64(n)), err
}

// load reads and sorts the events of a disordered stream.
func (r *reader) load() error {
	if r.sorted != nil {
		return nil
	}
	entries, err := r.tx.Read(r.stream.journal(), 1, -1)
	if err != nil {
		return err
	}
	r.sorted = make([]event, 0, r.stream.Events)
	for _, e := range entries {
		events, err := readBlock(e)
		if err != nil {
			return fmt.Errorf("stream %s: %w", r.stream.Name, err)
		}
		r.sorted = append(r.sorted, events...)
	}
	slices.SortFunc(r.sorted, func(a, b event) int {
		if a.less(b.key) {
			return -1
		}
		return 1
	})
	return nil
}

// cursor gives events one after the other.
type cursor struct {
	r       *reader
	next    int64 // block to read next; 0 when there is none
	forward bool
	buffer  []event // in the order to give
}

// from is a cursor over the events from k on.
func (r *reader) from(k key) (*cursor, error) {
	c := &cursor{r: r, forward: true}
	before := func(e event) bool { return e.less(k) }
	if r.stream.Disordered {
		if err := r.load(); err != nil {
			return nil, err
		}
		c.buffer = r.sorted[sort.Search(len(r.sorted), func(i int) bool { return !before(r.sorted[i]) }):]
		return c, nil
	}
	if r.stream.Blocks == 0 {
		return c, nil
	}
	var err error
	if c.next, err = r.locate(k); err != nil {
		return nil, err
	}
	for {
		if err := c.fill(); err != nil {
			return nil, err
		}
		i := sort.Search(len(c.buffer), func(i int) bool { return !before(c.buffer[i]) })
		if c.buffer = c.buffer[i:]; len(c.buffer) > 0 || c.next == 0 {
			return c, nil
		}
	}
}

// until is a cursor over the events before k, the last one first.
func (r *reader) until(k key) (*cursor, error) {
	c := &cursor{r: r}
	if r.stream.Disordered {
		if err := r.load(); err != nil {
			return nil, err
		}
		c.buffer = slices.Clone(r.sorted[:sort.Search(len(r.sorted), func(i int) bool { return !r.sorted[i].less(k) })])
		slices.Reverse(c.buffer)
		return c, nil
	}
	if r.stream.Blocks == 0 {
		return c, nil
	}
	var err error
	if c.next, err = r.locate(k); err != nil {
		return nil, err
	}
	if err := c.fill(); err != nil {
		return nil, err
	}
	for len(c.buffer) > 0 && !c.buffer[0].less(k) {
		c.buffer = c.buffer[1:]
	}
	return c, nil
}

// fill reads the next blocks.
func (c *cursor) fill() error {
	c.buffer = nil
	if c.next == 0 {
		return nil
	}
	first, n := c.next, int64(ahead)
	if c.forward {
		if c.next += n; c.next > c.r.stream.Blocks {
			c.next = 0
		}
	} else {
		first = max(1, c.next-n+1)
		n = c.next - first + 1
		c.next = first - 1
	}
	entries, err := c.r.tx.Read(c.r.stream.journal(), first, int(n))
	if err != nil {
		return err
	}
	for _, e := range entries {
		events, err := readBlock(e)
		if err != nil {
			return fmt.Errorf("stream %s: %w", c.r.stream.Name, err)
		}
		c.buffer = append(c.buffer, events...)
	}
	if !c.forward {
		slices.Reverse(c.buffer)
	}
	return nil
}

// peek is the event to come; ok is false at the end.
func (c *cursor) peek() (e event, ok bool, err error) {
	for len(c.buffer) == 0 {
		if c.next == 0 {
			return event{}, false, nil
		}
		if err := c.fill(); err != nil {
			return event{}, false, err
		}
	}
	return c.buffer[0], true, nil
}

func (c *cursor) skip() { c.buffer = c.buffer[1:] }
