package exec

import (
	"encoding/binary"
	"fmt"
	"time"
)

// decoder reads one group. The byte slices it hands out share the group's memory.
type decoder struct {
	buf      []byte
	at       int64
	lastID   int64
	lastData []byte
	bad      bool
}

// newDecoder reads the first group of text; rest is what follows it.
func newDecoder(text []byte) (d *decoder, rest []byte, err error) {
	if len(text) < 5 || binary.BigEndian.Uint32(text) == 0 || uint64(binary.BigEndian.Uint32(text)) > uint64(len(text)-4) {
		return nil, nil, errJournal
	}
	if text[4] != groupVersion {
		return nil, nil, fmt.Errorf("%w (or of a later version)", errJournal)
	}
	end := 4 + int(binary.BigEndian.Uint32(text))
	d = &decoder{buf: text[5:end]}
	d.at = d.int()
	return d, text[end:], nil
}

func (d *decoder) more() bool { return !d.bad && len(d.buf) > 0 }

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.buf)
	if size <= 0 {
		d.bad, d.buf = true, nil
		return 0
	}
	d.buf = d.buf[size:]
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.buf)
	if size <= 0 {
		d.bad, d.buf = true, nil
		return 0
	}
	d.buf = d.buf[size:]
	return n
}

func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.buf)) {
		d.bad, d.buf = true, nil
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b
}

func (d *decoder) str() string { return string(d.bytes()) }

func (d *decoder) record() (*record, error) {
	r := &record{op: op(d.buf[0])}
	d.buf = d.buf[1:]
	bits := d.uint()
	has := func(b uint64) bool { return bits&b != 0 }
	r.frame, r.keep = uint32(d.uint()), has(isKept)
	if has(hasNext) {
		r.next = d.str()
	}
	if has(hasTask) {
		r.task = TaskID(d.int())
	}
	if has(hasNum) {
		r.num = d.int()
	}
	if has(hasDue) {
		r.due = d.int()
	}
	if has(hasDue2) {
		r.due2 = d.int()
	}
	if has(hasKid) {
		r.kid = uint32(d.int())
	}
	if has(hasToken) {
		r.token = d.str()
	}
	if has(hasRaw) {
		r.raw = d.bytes()
	}
	if has(hasFail) {
		r.fail = d.failure()
	}
	if has(hasEvent) {
		r.event = d.event(bits)
	}
	if d.bad {
		return nil, errJournal
	}
	return r, nil
}

func (d *decoder) failure() *failure {
	if len(d.buf) == 0 {
		d.bad = true
		return nil
	}
	flags := d.buf[0]
	d.buf = d.buf[1:]
	f := &failure{heartbeat: flags&4 != 0, terminal: flags&8 != 0, inside: flags&16 != 0}
	if flags&1 != 0 {
		f.Error = new(d.str())
	}
	if flags&2 != 0 {
		f.Cause = new(d.str())
	}
	return f
}

func (d *decoder) event(bits uint64) *Event {
	has := func(b uint64) bool { return bits&b != 0 }
	v := &Event{ID: d.lastID + 1}
	if has(hasID) {
		v.ID = d.int()
	}
	v.PreviousID = v.ID - d.int()
	v.Time = time.UnixMilli(d.at + d.int()).UTC()
	v.Type = EventType(d.str())
	if has(hasName) {
		v.Name = d.str()
	}
	if has(hasIndex) {
		v.Index = d.int()
	}
	if has(hasLength) {
		v.Length = d.int()
	}
	if has(sameInput) {
		v.Input = d.lastData
	} else if has(hasInput) {
		v.Input = d.bytes()
	}
	if has(sameOutput) {
		v.Output = d.lastData
	} else if has(hasOutput) {
		v.Output = d.bytes()
	}
	if has(hasAssigned) {
		v.Assigned = map[string]string{}
		for n := d.uint(); n > 0 && !d.bad; n-- {
			name := d.str()
			v.Assigned[name] = d.str()
		}
	}
	d.details(v, has)
	d.lastID = v.ID
	if data := payload(v); data != nil {
		d.lastData = data
	}
	return v
}

func (d *decoder) details(v *Event, has func(uint64) bool) {
	if has(hasError) {
		v.Error = new(d.str())
	}
	if has(hasCause) {
		v.Cause = new(d.str())
	}
	if has(hasResource) {
		v.ResourceType, v.Resource, v.Region = d.str(), d.str(), d.str()
	}
	if has(hasParameters) {
		v.Parameters = d.bytes()
	}
	if has(hasTimeout) {
		v.Timeout = new(d.int())
	}
	if has(hasHeartbeat) {
		v.Heartbeat = new(d.int())
	}
	for _, t := range [...]struct {
		bit uint64
		s   *string
	}{{hasCredentials, &v.CredentialRole}, {hasWorker, &v.WorkerName}, {hasRole, &v.RoleARN}, {hasMapRun, &v.MapRunARN}, {hasLocation, &v.Location}, {hasLocation, &v.State}} {
		if has(t.bit) {
			*t.s = d.str()
		}
	}
	if has(hasRedrive) {
		v.RedriveCount = d.int()
	}
}

// DecodeEvents decodes the public history events of one or more journal
// groups that stand one behind the other. The events share the groups' memory.
func DecodeEvents(groups []byte) ([]Event, error) {
	var events []Event
	for len(groups) > 0 {
		d, rest, err := newDecoder(groups)
		if err != nil {
			return nil, err
		}
		for d.more() {
			r, err := d.record()
			if err != nil {
				return nil, err
			}
			if r.event != nil {
				events = append(events, *r.event)
			}
		}
		if d.bad {
			return nil, errJournal
		}
		groups = rest
	}
	return events, nil
}
