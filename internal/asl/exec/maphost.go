package exec

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// MapHost is what a Host also is where it runs Distributed Maps. A Host that is
// not fails such states with an error that says so.
//
// A Map run is driven by the Runner and keeps no journal of its own: its parent's
// journal says that it runs, and the host's records of the children say how far
// it came. After a restart the Runner reads the items again from the start and
// begins every child again; the host answers for those that exist. A child's
// index, input and name are the same then.
type MapHost interface {
	// BeginMapRun records a Map run, unless it is recorded, and returns how it
	// is controlled (UpdateMapRun may have changed it before a restart). A Map run
	// with more Redrives than the recorded one is redriven: it runs again.
	BeginMapRun(ctx context.Context, m MapRun) (MapBegun, error)
	// NoteMapRun keeps the counts of a Map run and its status. It is called now
	// and then while the run goes on (not for every child), and at its end before
	// the parent hears of it, or after the parent's own end; only the last must be
	// durable when it returns.
	NoteMapRun(ctx context.Context, p MapProgress) error
	// BeginChild starts a child execution, durable before it returns, unless it
	// exists. Its end comes through Runner.DeliverChild, once per BeginChild,
	// also where it ended before (then at once). A Standard child that ended without
	// success before the Map run was last redriven is redriven, unless its history
	// is full or it ended too long ago: then its end stands.
	BeginChild(ctx context.Context, c Child) error
	// EndOfChild is what a Standard child came to; ErrNoExecution: it did not begin.
	EndOfChild(ctx context.Context, c Child) (Result, error)
	// StopChild aborts a child that was begun. Its end is delivered as any other.
	StopChild(ctx context.Context, c Child)
	// AbandonChildren aborts the children that an earlier server left running and
	// that were not begun since: the Map run ends without coming to them.
	AbandonChildren(ctx context.Context, m MapRun) error

	// Open reads an object of S3 as a stream. Errors become States.ItemReaderFailed
	// with the error's text as cause.
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
	// Size is the size of an object in bytes.
	Size(ctx context.Context, o Object) (int64, error)
	// List lists objects (ListObjectsV2), one page per call; token "" begins, next "" ends.
	List(ctx context.Context, o Object, token string) (page []ObjectEntry, next string, err error)
	// Put writes an object. Errors become States.ResultWriterFailed.
	Put(ctx context.Context, o Object, contentType string, body io.ReadSeeker) error
	// Scratch is room on a disk for results on their way to an object. Where there
	// is none they stay in memory.
	Scratch() (Scratch, error)
}

// Scratch is a file that is gone once it is closed, or the process ends.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// MapRun is one run of a Distributed Map state.
type MapRun struct {
	ID        string // MapRunID in the parent; the same after a restart
	Execution string // the parent's Info.ID
	State     string // the Map state's name
	Label     string // the Map state's Label, or an id made for it
	Info      Info   // the parent's
	Express   bool   // the children are Express executions
	Machine   *Machine
	Started   time.Time
	Redrives  int64
	MapControl
}

// MapBegun is a Map run as the host has it.
type MapBegun struct {
	MapControl
	Again           bool   // it was recorded before: children of it may exist
	Kept            []byte // of the last MapProgress
	Items, Children Counts // redriven: of the attempt before
}

// MapControl is what UpdateMapRun can change while a Map run goes on.
type MapControl struct {
	MaxConcurrency int64   // 0: as many as the quota allows
	ToleratedCount int64   // children (or items, where batched) that may fail
	ToleratedShare float64 // percent
}

// MapProgress is how far a Map run is.
type MapProgress struct {
	ID        string
	Execution string // the parent
	Status    Status
	At        time.Time
	Items     Counts
	Children  Counts
	Error     *string
	Cause     *string
	Kept      []byte // for BeginMapRun, where the Map run is redriven; set at an end without success
}

// Counts are the item and execution counts of DescribeMapRun.
type Counts struct {
	Pending, Running, Succeeded, Failed, TimedOut, Aborted, Written, Total int64
	// Of those that did not succeed: which cannot be redriven, and which wait for
	// it in a Map run that goes on.
	NotRedrivable, PendingRedrive int64 `json:",omitempty"`
}

// Child is one child execution of a Map run.
type Child struct {
	MapRun   string // MapRun.ID
	Index    int64
	Name     string          // of the execution, the same after a restart
	Input    json.RawMessage // JSON text
	Items    int64           // how many items it holds (ItemBatcher), else 1
	Redrives int64           // of the Map run
	Machine  *Machine
	Parent   Info
	Express  bool
	Label    string
}

// Object names objects of S3: one by Key, or many by Prefix (List).
type Object struct {
	Bucket, Key string
	Prefix      string
	Version     string // version id; "" = the newest
	Owner       string // ExpectedBucketOwner; "" = not checked
	Caller      Info   // the execution that asks

	// Open reads the part of Length bytes from Offset on; Length 0: all.
	Offset, Length int64
}

// ObjectEntry is one object of a listing.
type ObjectEntry struct {
	Key, ETag, StorageClass string
	Size                    int64
	LastModified            time.Time
}
