package exec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"stepwell/internal/asl/value"
)

// resultWriter collects the results of children and writes the files of a
// ResultWriter: SUCCEEDED_n, FAILED_n, PENDING_n and manifest.json under
// Prefix/MapRunID ("ResultWriter", developer guide).
type resultWriter struct {
	m    *mapRunner
	spec *writerSpec

	mu    sync.Mutex
	files map[string]*resultFile // by kind
	text  []byte                 // room for the entry of one child
	err   error                  // of the first file that could not be written
}

// resultFile are the files of one kind.
type resultFile struct {
	spool   // the one at hand
	n       int
	written []writtenFile
	at      bits // whose results are in the one at hand
	in      bits // whose results are in those written
}

type writtenFile struct {
	Key  string
	Size int64
}

var resultKinds = [...]string{"SUCCEEDED", "FAILED", "PENDING"}

// fileSize is where a file ends and the next begins.
const fileSize = 64 << 20

func newResultWriter(m *mapRunner) *resultWriter {
	w := &resultWriter{m: m, spec: m.task.spec.Writer, files: map[string]*resultFile{}}
	for _, kind := range resultKinds {
		w.files[kind] = &resultFile{spool: spool{space: m.host.Scratch}}
	}
	return w
}

// add keeps the result of a child. Whoever is not to wait for a file that is
// full and being written holds no lock.
func (w *resultWriter) add(c Child, r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind := "FAILED"
	if r.Status == Succeeded {
		kind = "SUCCEEDED"
	}
	w.files[kind].at.add(c.Index)
	w.write(kind, w.texts(c, r))
}

// pending keeps a child that did not begin. It has no execution.
func (w *resultWriter) pending(c Child) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write("PENDING", [][]byte{w.render(value.NewObject(value.Member{Name: "Input", Value: string(c.Input)},
		value.Member{Name: "InputDetails", Value: value.NewObject(value.Member{Name: "Included", Value: true})},
		value.Member{Name: "Status", Value: "PENDING"}))})
}

// resume goes on behind the files of an earlier drive of the Map run.
func (w *resultWriter) resume(k *keptChildren) {
	if w != nil {
		f := w.files["SUCCEEDED"]
		f.written, f.n, f.in = k.Files, len(k.Files), slices.Clone(k.Done)
	}
}

// stored are the children that succeeded and whose results are written, and the files.
func (w *resultWriter) stored() (bits, []writtenFile) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.files["SUCCEEDED"]
	return f.in, f.written
}

func (w *resultWriter) write(kind string, texts [][]byte) {
	f := w.files[kind]
	for _, text := range texts {
		if !w.spec.Lines && f.size() == 0 {
			f.write('[')
		} else if !w.spec.Lines {
			f.write(',')
		}
		f.write(text...)
		if w.spec.Lines {
			f.write('\n')
		}
	}
	if f.size() > fileSize {
		w.flush(kind, f)
	}
}

// render is the text of v, until the next one.
func (w *resultWriter) render(v value.Value) []byte {
	w.text = value.Append(w.text[:0], v)
	return w.text
}

// texts are what a child adds to its file.
func (w *resultWriter) texts(c Child, r Result) [][]byte {
	if r.Status == Succeeded && w.spec.Transform == compact {
		return [][]byte{r.Output}
	}
	if r.Status == Succeeded && w.spec.Transform == flatten {
		if v, err := value.Parse(r.Output); err == nil {
			if _, ok := v.([]value.Value); ok {
				return splitItems(r.Output)
			}
		}
		return [][]byte{r.Output}
	}
	return [][]byte{w.render(entry(c, r))}
}

// entry is a child as the files show it.
func entry(c Child, r Result) *value.Object {
	included := value.NewObject(value.Member{Name: "Included", Value: true})
	o := value.NewObject(value.Member{Name: "ExecutionArn", Value: ChildARN(c)},
		value.Member{Name: "Input", Value: string(c.Input)}, value.Member{Name: "InputDetails", Value: included},
		value.Member{Name: "Name", Value: c.Name})
	if r.Status == Succeeded {
		o.Set("Output", string(r.Output))
		o.Set("OutputDetails", included)
	}
	if r.Error != nil {
		o.Set("Error", *r.Error)
	}
	if r.Cause != nil {
		o.Set("Cause", *r.Cause)
	}
	o.Set("RedriveCount", value.Int(r.Redrives))
	status, reason := "REDRIVABLE_BY_MAP_RUN", ""
	if r.Status == Succeeded {
		status, reason = "NOT_REDRIVABLE", "Execution is SUCCEEDED and cannot be redriven"
	} else if c.Express {
		status, reason = "NOT_REDRIVABLE", "Execution is EXPRESS and cannot be redriven"
	}
	o.Set("RedriveStatus", status)
	if reason != "" {
		o.Set("RedriveStatusReason", reason)
	}
	o.Set("StartDate", r.Started.UTC().Format(timeFormat))
	o.Set("StateMachineArn", c.Parent.StateMachineID+"/"+c.Label)
	o.Set("Status", string(r.Status))
	o.Set("StopDate", r.At.UTC().Format(timeFormat))
	return o
}

// ChildARN is the ARN of a child execution.
func ChildARN(c Child) string {
	parts := strings.SplitN(c.Parent.StateMachineID, ":", 7)
	if len(parts) < 7 {
		return c.Name
	}
	kind := "execution"
	if c.Express {
		kind = "express"
	}
	return fmt.Sprintf("%s:%s:%s/%s:%s", strings.Join(parts[:5], ":"), kind, c.Parent.StateMachineName, c.Label, c.Name)
}

func (w *resultWriter) key(name string) string {
	key := w.m.run.ID + "/" + name
	if p := strings.TrimSuffix(w.spec.Object.Prefix, "/"); p != "" {
		key = p + "/" + key
	}
	return key
}

// flush writes a file where a bucket is named.
func (w *resultWriter) flush(kind string, f *resultFile) {
	if f.size() == 0 {
		f.settle()
		return
	}
	suffix := ".jsonl"
	if !w.spec.Lines {
		suffix = ".json"
		f.write(']')
	}
	name := fmt.Sprintf("%s_%d%s", kind, f.n, suffix)
	if w.put(name, f.reader()) {
		f.n++
		f.written = append(f.written, writtenFile{w.key(name), f.size()})
		f.settle()
	}
	f.at = nil
	f.clear()
}

// settle notes that the results of the file at hand are safe.
func (f *resultFile) settle() {
	f.in.join(f.at)
	f.at = nil
}

func (w *resultWriter) put(name string, text io.ReadSeeker) bool {
	o := w.spec.Object.object(w.m.parent.info)
	o.Key, o.Prefix = w.key(name), ""
	err := w.m.host.Put(w.m.r.ctx, o, "application/json", text)
	if err != nil && w.err == nil {
		w.err = err
	}
	return err == nil
}

// drop gives back the room of what is not written.
func (w *resultWriter) drop() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.files {
		f.clear()
	}
}

// finish writes what is left and the manifest, and returns the Map state's result.
func (w *resultWriter) finish() (json.RawMessage, error) {
	arn := MapRunARN(w.m.parent.info, w.m.run.Label, w.m.run.ID)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kind := range resultKinds {
		w.flush(kind, w.files[kind])
	}
	list := func(kind string) value.Value {
		out := []value.Value{}
		for _, f := range w.files[kind].written {
			out = append(out, value.NewObject(value.Member{Name: "Key", Value: f.Key}, value.Member{Name: "Size", Value: value.Int(f.Size)}))
		}
		return out
	}
	w.put("manifest.json", bytes.NewReader(w.render(value.NewObject(
		value.Member{Name: "DestinationBucket", Value: w.spec.Object.Bucket},
		value.Member{Name: "MapRunArn", Value: arn},
		value.Member{Name: "ResultFiles", Value: value.NewObject(
			value.Member{Name: "FAILED", Value: list("FAILED")},
			value.Member{Name: "PENDING", Value: list("PENDING")},
			value.Member{Name: "SUCCEEDED", Value: list("SUCCEEDED")})}))))
	return value.Text(value.NewObject(
		value.Member{Name: "MapRunArn", Value: arn},
		value.Member{Name: "ResultWriterDetails", Value: value.NewObject(
			value.Member{Name: "Bucket", Value: w.spec.Object.Bucket},
			value.Member{Name: "Key", Value: w.key("manifest.json")})})), w.err
}
