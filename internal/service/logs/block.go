package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// event is a log event in its stream.
type event struct {
	key
	ingested int64
	message  string
}

// key orders the events of a stream: by timestamp, then by arrival.
type key struct {
	time  int64 // milliseconds
	index int64 // number of the event in its stream, from 0
}

func (k key) less(o key) bool {
	if k.time != o.time {
		return k.time < o.time
	}
	return k.index < o.index
}

// A block is one journal entry: events that arrived together. It is written as
// varints: index of the first event, time of ingestion, number of events; then
// for each event its timestamp (the difference to the one before), the length
// of its message, and the message.
const (
	blockEvents = 256
	blockBytes  = 64 << 10
)

// blocks writes the events, which must be in order, as blocks.
func blocks(events []event) [][]byte {
	var all [][]byte
	for len(events) > 0 {
		n, size := 0, 0
		for n < len(events) && n < blockEvents && size < blockBytes {
			size += len(events[n].message) + 4
			n++
		}
		b := make([]byte, 0, size+32)
		b = binary.AppendUvarint(b, uint64(events[0].index))
		b = binary.AppendVarint(b, events[0].ingested)
		b = binary.AppendUvarint(b, uint64(n))
		last := int64(0)
		for _, e := range events[:n] {
			b = binary.AppendVarint(b, e.time-last)
			last = e.time
			b = binary.AppendUvarint(b, uint64(len(e.message)))
			b = append(b, e.message...)
		}
		all = append(all, b)
		events = events[n:]
	}
	return all
}

var errBlock = errors.New("cannot read log events: the block is malformed")

// blockStart is the key of a block's first event.
func blockStart(b []byte) (key, error) {
	var r varints = b
	k := key{index: int64(r.unsigned())}
	r.signed()
	r.unsigned()
	k.time = r.signed()
	if r == nil {
		return key{}, errBlock
	}
	return k, nil
}

// readBlock reads a block's events.
func readBlock(b []byte) ([]event, error) {
	var r varints = b
	index, ingested, n := int64(r.unsigned()), r.signed(), r.unsigned()
	if r == nil || n > blockEvents {
		return nil, errBlock
	}
	events := make([]event, n)
	last := int64(0)
	for i := range events {
		last += r.signed()
		size := r.unsigned()
		if r == nil || uint64(len(r)) < size {
			return nil, fmt.Errorf("%w: event %d", errBlock, i)
		}
		events[i] = event{key{last, index + int64(i)}, ingested, string(r[:size])}
		r = r[size:]
	}
	return events, nil
}

// varints are bytes to read numbers from; nil after a fault.
type varints []byte

func (r *varints) signed() int64 {
	v, n := binary.Varint(*r)
	r.skip(n)
	return v
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(*r)
	r.skip(n)
	return v
}

func (r *varints) skip(n int) {
	if n <= 0 {
		*r = nil
		return
	}
	*r = (*r)[n:len(*r):len(*r)]
}
