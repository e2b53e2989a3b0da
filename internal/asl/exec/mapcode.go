package exec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// distributed is the compiled form of what only a Distributed Map has.
type distributed struct {
	express bool
	label   string
	reader  *readerCode
	batcher *batcherCode
	writer  *writerCode
}

type readerCode struct {
	spec         readerSpec // without MaxItems, Bucket, Key, ...
	maxItems     *int64
	maxItemsPath *expr
	arguments    *template
}

type batcherCode struct {
	items, bytes         *int64
	itemsPath, bytesPath *expr
	input                *template
}

type writerCode struct {
	spec      writerSpec
	arguments *template
}

// runSpec is what a Map run is to do, as the journal keeps it. What depends on
// single items (ItemSelector, BatchInput) is evaluated while it runs.
type runSpec struct {
	ID      string
	Label   string
	Items   json.RawMessage `json:",omitempty"` // an array or an object; nil where Reader is set
	Reader  *readerSpec     `json:",omitempty"`
	Batch   *batchSpec      `json:",omitempty"`
	Writer  *writerSpec     `json:",omitempty"`
	Shape   string          `json:",omitempty"` // how the state's output shows the children; "" = compact
	Most    int64           `json:",omitempty"` // MaxConcurrency
	Count   *int64          `json:",omitempty"` // ToleratedFailureCount
	Percent *float64        `json:",omitempty"` // ToleratedFailurePercentage
	Context json.RawMessage // $$ of the state
	Input   json.RawMessage // the state's input after InputPath
	Batched json.RawMessage `json:",omitempty"` // the evaluated BatchInput

	redrives int64
}

type readerSpec struct {
	List      bool   `json:",omitempty"` // listObjectsV2
	Load      bool   `json:",omitempty"` // Transformation LOAD_AND_FLATTEN
	Manifest  string `json:",omitempty"` // ManifestType
	Type      string `json:",omitempty"` // InputType
	Given     bool   `json:",omitempty"` // CSVHeaderLocation GIVEN
	Headers   []string
	Delimiter string `json:",omitempty"`
	Pointer   string `json:",omitempty"` // ItemsPointer
	Max       int64  `json:",omitempty"` // MaxItems; 0: all
	Object    objectSpec
}

type objectSpec struct {
	Bucket              string
	Key                 string `json:",omitempty"`
	Prefix              string `json:",omitempty"`
	VersionId           string `json:",omitempty"`
	ExpectedBucketOwner string `json:",omitempty"`
}

func (o objectSpec) object(caller Info) Object {
	return Object{Bucket: o.Bucket, Key: o.Key, Prefix: o.Prefix, Version: o.VersionId, Owner: o.ExpectedBucketOwner, Caller: caller}
}

type batchSpec struct {
	Items int64 // 0: no limit
	Bytes int64 // of a child's input; 0: the payload limit
}

type writerSpec struct {
	Lines     bool   `json:",omitempty"` // OutputType JSONL
	Transform string `json:",omitempty"` // NONE, COMPACT, FLATTEN
	Object    objectSpec
}

// Transformations of a WriterConfig. The default is whole where results are
// exported, else compact ("ResultWriter", developer guide).
const (
	whole   = "NONE"    // the child execution with its output
	compact = "COMPACT" // the output
	flatten = "FLATTEN" // the output, an array's elements one by one
)

func textAt(n *syntax.Node, name string) string {
	if m := n.Get(name); m != nil && m.Kind == syntax.String {
		return m.Text
	}
	return ""
}

func intAt(n *syntax.Node, name string) *int64 {
	if m := n.Get(name); m != nil && m.Kind == syntax.Number {
		if i, err := strconv.ParseInt(m.Text, 10, 64); err == nil {
			return &i
		}
	}
	return nil
}

// number compiles a member that is a number, an expression, or stands as ...Path.
func (c *compiler) number(n *syntax.Node, name string) (*int64, *expr) {
	if e := c.member(n, name); e != nil {
		return nil, e
	}
	if path := textAt(n, name+"Path"); path != "" {
		return nil, c.expr(path)
	}
	return intAt(n, name), nil
}

// arguments compiles the Parameters or Arguments of a reader or writer.
func (c *compiler) arguments(n *syntax.Node, at string) *template {
	name := "Parameters"
	if c.query {
		name = "Arguments"
	}
	return c.template(syntax.Template{Node: n.Get(name)}, at+"/"+name)
}

func (c *compiler) distributed(b *syntax.Map) *distributed {
	d := &distributed{express: b.Processor.Processor.ExecutionType == "EXPRESS", label: b.Label}
	if n := b.ItemReader; n != nil {
		config := n.Get("ReaderConfig")
		if config == nil {
			config = &syntax.Node{}
		}
		r := &readerCode{arguments: c.arguments(n, "ItemReader"), spec: readerSpec{
			List: strings.HasSuffix(textAt(n, "Resource"), ":s3:listObjectsV2"), Type: textAt(config, "InputType"),
			Load: textAt(config, "Transformation") == "LOAD_AND_FLATTEN", Manifest: textAt(config, "ManifestType"),
			Given: textAt(config, "CSVHeaderLocation") == "GIVEN", Delimiter: textAt(config, "CSVDelimiter"), Pointer: textAt(config, "ItemsPointer")}}
		if headers := config.Get("CSVHeaders"); headers != nil {
			for _, h := range headers.Items {
				r.spec.Headers = append(r.spec.Headers, h.Text)
			}
		}
		r.maxItems, r.maxItemsPath = c.number(config, "MaxItems")
		d.reader = r
	}
	if n := b.ItemBatcher; n != nil {
		d.batcher = &batcherCode{input: c.template(syntax.Template{Node: n.Get("BatchInput")}, "ItemBatcher/BatchInput")}
		d.batcher.items, d.batcher.itemsPath = c.number(n, "MaxItemsPerBatch")
		d.batcher.bytes, d.batcher.bytesPath = c.number(n, "MaxInputBytesPerBatch")
	}
	if n := b.ResultWriter; n != nil {
		d.writer = &writerCode{arguments: c.arguments(n, "ResultWriter")}
		if config := n.Get("WriterConfig"); config != nil {
			d.writer.spec = writerSpec{Lines: textAt(config, "OutputType") == "JSONL", Transform: textAt(config, "Transformation")}
		}
	}
	return d
}

// MapProcessor is the machine of a Distributed Map state's children; nil: there
// is no such state.
func (m *Machine) MapProcessor(state string) *Machine {
	_, s := m.top.find(state)
	if s == nil || s.loop == nil || s.loop.spread == nil {
		return nil
	}
	return &Machine{Definition: m.Definition, top: s.kids[0]}
}

// MapRunARN is the ARN of a Map run.
func MapRunARN(parent Info, label, id string) string {
	parts := strings.SplitN(parent.StateMachineID, ":", 7)
	if len(parts) < 7 {
		return "mapRun:" + parent.StateMachineName + "/" + label + ":" + id
	}
	return fmt.Sprintf("%s:mapRun:%s/%s:%s", strings.Join(parts[:5], ":"), parent.StateMachineName, label, id)
}

// object evaluates the arguments of a reader or writer.
func (s *scope) object(t *template, what string) (objectSpec, error) {
	var o objectSpec
	if t == nil {
		return o, nil
	}
	v, err := s.template(t)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(value.Text(v), &o); err != nil {
		return o, runtimeFault("The arguments of the %s are not valid: %s", what, value.Text(v))
	}
	return o, nil
}

// runSpec evaluates all that does not depend on items.
func (s *scope) runSpec(code *mapCode) (*runSpec, error) {
	d, spec := code.spread, &runSpec{Input: s.raw}
	most, err := s.whole(code.concurrency, code.concurrencyPath, "MaxConcurrency")
	if err != nil {
		return nil, err
	}
	if most != nil {
		spec.Most = *most
	}
	if spec.Count, spec.Percent, err = s.tolerance(code); err != nil {
		return nil, err
	}
	if d.reader != nil {
		if err := s.reader(d.reader, spec); err != nil {
			return nil, err
		}
	}
	if d.batcher != nil {
		if err := s.batcher(d.batcher, spec); err != nil {
			return nil, err
		}
	}
	if d.writer != nil && d.writer.arguments == nil {
		spec.Shape = d.writer.spec.Transform
	} else if d.writer != nil {
		w := d.writer.spec
		if w.Object, err = s.object(d.writer.arguments, "ResultWriter"); err != nil {
			return nil, err
		}
		spec.Writer = &w
	}
	context, err := s.contextObject()
	if err != nil {
		return nil, err
	}
	spec.Context = value.Text(context)
	return spec, nil
}

func (s *scope) reader(code *readerCode, spec *runSpec) error {
	r := code.spec
	max, err := s.whole(code.maxItems, code.maxItemsPath, "MaxItems")
	if err != nil {
		return err
	}
	if max != nil {
		r.Max = *max
	}
	r.Object, err = s.object(code.arguments, "ItemReader")
	spec.Reader = &r
	return err
}

func (s *scope) batcher(code *batcherCode, spec *runSpec) error {
	spec.Batch = &batchSpec{}
	items, err := s.whole(code.items, code.itemsPath, "MaxItemsPerBatch")
	if err != nil {
		return err
	}
	if items != nil {
		spec.Batch.Items = *items
	}
	bytes, err := s.whole(code.bytes, code.bytesPath, "MaxInputBytesPerBatch")
	if err != nil {
		return err
	}
	if bytes != nil {
		spec.Batch.Bytes = *bytes
	}
	if code.input == nil {
		return nil
	}
	v, err := s.template(code.input)
	if err == nil {
		spec.Batched = value.Text(v)
	}
	return err
}
