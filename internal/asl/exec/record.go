package exec

import (
	"encoding/binary"
	"errors"
	"sort"
	"time"
)

// A record is the smallest step of an execution. Live and restored executions
// change only by applying records, so that both are the same. A group is what
// one Advance wrote; it can be decoded alone.
type record struct {
	op    op
	keep  bool // the event does not become the frame's last event
	frame uint32
	event *Event
	next  string // opExit: the next state, "" = the machine ends
	task  TaskID
	num   int64 // index, retrier, number of items
	due   int64 // unix milliseconds
	due2  int64
	kid   uint32 // the child frame made or ended
	token string
	raw   []byte // items, handle, result
	fail  *failure
}

// failure is an error on its way to Retry and Catch.
type failure struct {
	Error, Cause *string
	heartbeat    bool // States.Timeout that was a missing heartbeat
	terminal     bool // no Retry or Catch applies
	inside       bool // a branch or iteration failed: the state ends with ...StateFailed

	evaluated bool // a JSONata evaluation failed at location; not in the journal
	location  string
}

type op uint8

const (
	opStart op = iota + 1
	opEnter
	opExit
	opWait
	opTask
	opTaskStarted
	opTaskSubmitted
	opNote
	opHeartbeat
	opResult
	opFail
	opRetry
	opAgain // a retry's time has come
	opKids
	opIterate
	opKidDone
	opKidsFailed
	opEvent
	opEnd
	opRedrive
	opMapRun
	opMapRunAgain
	opRunDone
)

const groupVersion = 1

var errJournal = errors.New("cannot decode journal group: it is damaged")

// Which members of a record follow, as bits.
const (
	hasNext uint64 = 1 << iota
	hasTask
	hasNum
	hasDue
	hasDue2
	hasKid
	hasToken
	hasRaw
	hasFail
	isKept
	hasEvent
	hasID // the event's id is not the previous event's plus one
	hasName
	hasIndex
	hasLength
	hasInput
	sameInput // Input is the Output of the event before
	hasOutput
	sameOutput // Output is the Input or Output of the event before
	hasAssigned
	hasError
	hasCause
	hasResource // ResourceType, Resource, Region
	hasParameters
	hasTimeout
	hasHeartbeat
	hasCredentials
	hasWorker
	hasRole
	hasMapRun
	hasLocation
	hasRedrive
)

// encoder writes one group.
type encoder struct {
	buf      []byte
	at       int64
	lastID   int64
	lastData []byte // the payload of the event before
}

func newEncoder(at time.Time) *encoder {
	ms := at.UnixMilli()
	return &encoder{buf: binary.AppendVarint([]byte{0, 0, 0, 0, groupVersion}, ms), at: ms}
}

// group returns what was written: its length in four bytes, the version, the records.
func (e *encoder) group() []byte {
	binary.BigEndian.PutUint32(e.buf, uint32(len(e.buf)-4))
	return e.buf
}

func (e *encoder) uint(n uint64)  { e.buf = binary.AppendUvarint(e.buf, n) }
func (e *encoder) int(n int64)    { e.buf = binary.AppendVarint(e.buf, n) }
func (e *encoder) bytes(b []byte) { e.uint(uint64(len(b))); e.buf = append(e.buf, b...) }
func (e *encoder) str(s string)   { e.uint(uint64(len(s))); e.buf = append(e.buf, s...) }

func set(bits *uint64, bit uint64, on bool) {
	if on {
		*bits |= bit
	}
}

func (e *encoder) record(r *record) {
	var bits uint64
	set(&bits, hasNext, r.next != "")
	set(&bits, hasTask, r.task != 0)
	set(&bits, hasNum, r.num != 0)
	set(&bits, hasDue, r.due != 0)
	set(&bits, hasDue2, r.due2 != 0)
	set(&bits, hasKid, r.kid != 0)
	set(&bits, hasToken, r.token != "")
	set(&bits, hasRaw, r.raw != nil)
	set(&bits, hasFail, r.fail != nil)
	set(&bits, isKept, r.keep)
	if r.event != nil {
		e.eventBits(r.event, &bits)
	}
	e.buf = append(e.buf, byte(r.op))
	e.uint(bits)
	e.uint(uint64(r.frame))
	if r.next != "" {
		e.str(r.next)
	}
	for _, n := range [...]int64{int64(r.task), r.num, r.due, r.due2, int64(r.kid)} {
		if n != 0 {
			e.int(n)
		}
	}
	if r.token != "" {
		e.str(r.token)
	}
	if r.raw != nil {
		e.bytes(r.raw)
	}
	if r.fail != nil {
		e.failure(r.fail)
	}
	if r.event != nil {
		e.event(r.event, bits)
	}
}

func (e *encoder) failure(f *failure) {
	var flags byte
	for i, on := range [...]bool{f.Error != nil, f.Cause != nil, f.heartbeat, f.terminal, f.inside} {
		if on {
			flags |= 1 << i
		}
	}
	e.buf = append(e.buf, flags)
	for _, s := range [...]*string{f.Error, f.Cause} {
		if s != nil {
			e.str(*s)
		}
	}
}

func same(a, b []byte) bool { return len(a) > 0 && string(a) == string(b) }

func (e *encoder) eventBits(v *Event, bits *uint64) {
	*bits |= hasEvent
	set(bits, hasID, v.ID != e.lastID+1)
	set(bits, hasName, v.Name != "")
	set(bits, hasIndex, v.Index != 0)
	set(bits, hasLength, v.Length != 0)
	if same(v.Input, e.lastData) {
		*bits |= sameInput
	} else {
		set(bits, hasInput, v.Input != nil)
	}
	if same(v.Output, e.lastData) {
		*bits |= sameOutput
	} else {
		set(bits, hasOutput, v.Output != nil)
	}
	set(bits, hasAssigned, v.Assigned != nil)
	set(bits, hasError, v.Error != nil)
	set(bits, hasCause, v.Cause != nil)
	set(bits, hasResource, v.ResourceType != "" || v.Resource != "" || v.Region != "")
	set(bits, hasParameters, v.Parameters != nil)
	set(bits, hasTimeout, v.Timeout != nil)
	set(bits, hasHeartbeat, v.Heartbeat != nil)
	set(bits, hasCredentials, v.CredentialRole != "")
	set(bits, hasWorker, v.WorkerName != "")
	set(bits, hasRole, v.RoleARN != "")
	set(bits, hasMapRun, v.MapRunARN != "")
	set(bits, hasRedrive, v.RedriveCount != 0)
	set(bits, hasLocation, v.Location != "" || v.State != "")
}

func (e *encoder) event(v *Event, bits uint64) {
	has := func(b uint64) bool { return bits&b != 0 }
	if has(hasID) {
		e.int(v.ID)
	}
	e.int(v.ID - v.PreviousID)
	e.int(v.Time.UnixMilli() - e.at)
	e.str(string(v.Type))
	if has(hasName) {
		e.str(v.Name)
	}
	if has(hasIndex) {
		e.int(v.Index)
	}
	if has(hasLength) {
		e.int(v.Length)
	}
	if has(hasInput) {
		e.bytes(v.Input)
	}
	if has(hasOutput) {
		e.bytes(v.Output)
	}
	if has(hasAssigned) {
		e.assigned(v.Assigned)
	}
	if has(hasError) {
		e.str(*v.Error)
	}
	if has(hasCause) {
		e.str(*v.Cause)
	}
	if has(hasResource) {
		e.str(v.ResourceType)
		e.str(v.Resource)
		e.str(v.Region)
	}
	if has(hasParameters) {
		e.bytes(v.Parameters)
	}
	if has(hasTimeout) {
		e.int(*v.Timeout)
	}
	if has(hasHeartbeat) {
		e.int(*v.Heartbeat)
	}
	for _, t := range [...]struct {
		bit uint64
		s   string
	}{{hasCredentials, v.CredentialRole}, {hasWorker, v.WorkerName}, {hasRole, v.RoleARN}, {hasMapRun, v.MapRunARN}, {hasLocation, v.Location}, {hasLocation, v.State}} {
		if has(t.bit) {
			e.str(t.s)
		}
	}
	if has(hasRedrive) {
		e.int(v.RedriveCount)
	}
	e.lastID = v.ID
	if data := payload(v); data != nil {
		e.lastData = data
	}
}

// payload is what the next event's data is compared with.
func payload(v *Event) []byte {
	if v.Output != nil {
		return v.Output
	}
	return v.Input
}

func (e *encoder) assigned(m map[string]string) {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	e.uint(uint64(len(names)))
	for _, n := range names {
		e.str(n)
		e.str(m[n])
	}
}
