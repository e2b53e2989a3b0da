package exec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"stepwell/internal/asl/value"
)

// resultWriter collects the results of children and writes the files of a
// ResultWriter: SUCCEEDED_n, FAILED_n, PENDING_n and manifest.json under
// Prefix/MapRunID ("ResultWriter", developer guide).
type resultWriter struct {
	m     *mapRunner
	spec  *writerSpec
	files map[string]*resultFile // by kind
	err   error
}

// resultFile are the files of one kind.
type resultFile struct {
	buf     bytes.Buffer
	n       int
	written []writtenFile
}

type writtenFile struct {
	Key  string
	Size int64
}

// fileSize is where a file ends and the next begins.
const fileSize = 64 << 20

func newResultWriter(m *mapRunner) *resultWriter {
	return &resultWriter{m: m, spec: m.task.spec.Writer, files: map[string]*resultFile{"SUCCEEDED": {}, "FAILED": {}, "PENDING": {}}}
}

// add keeps the result of a child; the Map run's lock is held.
func (w *resultWriter) add(c Child, r Result) {
	kind := "FAILED"
	if r.Status == Succeeded {
		kind = "SUCCEEDED"
	}
	w.write(kind, w.texts(c, r))
}

// pending keeps a child that did not begin. It has no execution.
func (w *resultWriter) pending(c Child) {
	w.write("PENDING", [][]byte{value.Text(value.NewObject(value.Member{Name: "Input", Value: string(c.Input)},
		value.Member{Name: "InputDetails", Value: value.NewObject(value.Member{Name: "Included", Value: true})},
		value.Member{Name: "Status", Value: "PENDING"}))})
}

// resume goes on behind the files of an earlier drive of the Map run.
func (w *resultWriter) resume(k *keptChildren) {
	if w != nil {
		f := w.files["SUCCEEDED"]
		f.written, f.n = k.Files, len(k.Files)
	}
}

func (w *resultWriter) write(kind string, texts [][]byte) {
	f := w.files[kind]
	sep := byte(',')
	if w.spec.Lines {
		sep = '\n'
	}
	for _, text := range texts {
		if f.buf.Len() > 0 {
			f.buf.WriteByte(sep)
		}
		f.buf.Write(text)
	}
	if f.buf.Len() > fileSize {
		w.flush(kind, f)
	}
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
	return [][]byte{value.Text(entry(c, r))}
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
	if f.buf.Len() == 0 {
		return
	}
	text, suffix := f.buf.Bytes(), ".json"
	if w.spec.Lines {
		suffix = ".jsonl"
		text = append(text, '\n')
	} else {
		text = append(append([]byte{'['}, text...), ']')
	}
	name := fmt.Sprintf("%s_%d%s", kind, f.n, suffix)
	f.n++
	f.buf = bytes.Buffer{}
	f.written = append(f.written, writtenFile{w.key(name), int64(len(text))})
	w.put(name, text)
}

func (w *resultWriter) put(name string, text []byte) {
	o := w.spec.Object.object(w.m.parent.info)
	o.Key, o.Prefix = w.key(name), ""
	if err := w.m.host.Put(w.m.r.ctx, o, "application/json", bytes.NewReader(text)); err != nil && w.err == nil {
		w.err = err
	}
}

// finish writes what is left and the manifest, and returns the Map state's result.
func (w *resultWriter) finish() (json.RawMessage, error) {
	arn := MapRunARN(w.m.parent.info, w.m.run.Label, w.m.run.ID)
	for _, kind := range []string{"SUCCEEDED", "FAILED", "PENDING"} {
		w.flush(kind, w.files[kind])
	}
	list := func(kind string) value.Value {
		out := []value.Value{}
		for _, f := range w.files[kind].written {
			out = append(out, value.NewObject(value.Member{Name: "Key", Value: f.Key}, value.Member{Name: "Size", Value: value.Int(f.Size)}))
		}
		return out
	}
	w.put("manifest.json", value.Text(value.NewObject(
		value.Member{Name: "DestinationBucket", Value: w.spec.Object.Bucket},
		value.Member{Name: "MapRunArn", Value: arn},
		value.Member{Name: "ResultFiles", Value: value.NewObject(
			value.Member{Name: "FAILED", Value: list("FAILED")},
			value.Member{Name: "PENDING", Value: list("PENDING")},
			value.Member{Name: "SUCCEEDED", Value: list("SUCCEEDED")})})))
	return value.Text(value.NewObject(
		value.Member{Name: "MapRunArn", Value: arn},
		value.Member{Name: "ResultWriterDetails", Value: value.NewObject(
			value.Member{Name: "Bucket", Value: w.spec.Object.Bucket},
			value.Member{Name: "Key", Value: w.key("manifest.json")})})), w.err
}
