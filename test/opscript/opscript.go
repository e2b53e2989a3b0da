// Package opscript runs scripts of AWS operations for the tests of services and
// of CloudFormation's resource types: text files of what is asked and what the
// answer was. It has no server and no protocol: calls enter at the bus. Only
// tests import it.
//
// A script is blocks with a blank line between them. The first line says what
// to do, the lines up to "----" are its input, the rest is the answer:
//
//	PutParameter
//	{"Name": "/a", "Value": "1", "Type": "String"}
//	----
//	{"Version":1,"Tier":"Standard"}
//
// "sns:Publish" calls another service than the script's own; "advance 30s" moves
// the clock; "restart" makes the services anew over the same store; "as
// cloudformation" changes the door the calls come from, "in eu-west-1" the
// region; "let NAME Vpcs.1.VpcId" keeps a member of the last answer, which is ${NAME}
// in later inputs. An error shows its HTTP status where that is not 400. "make NAME AWS::SSM::Parameter" makes a resource from the properties in
// the input, "remake NAME" makes it again as after a crash, "change NAME" gives
// it other properties, "drop NAME" removes it; ${NAME} is its id, ${NAME.Arn} its
// attribute. Lines that begin with # are
// comments.
package opscript

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
	"stepwell/internal/wire"
	"stepwell/internal/work"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected results of testdata")

// Parts are what services are built from.
type Parts struct {
	Store *store.Store
	Clock *clock.Manual
	IDs   bus.IDs
	Bus   *bus.Bus
	Work  *work.Engine
	Log   *slog.Logger
}

// Seal stands for the server's sealer: readable nowhere in the store.
func Seal(b []byte) ([]byte, error) {
	sealed := append([]byte("sealed:"), b...)
	for i := range b {
		sealed[len("sealed:")+i] ^= 0x55
	}
	return sealed, nil
}

// Unseal opens what Seal sealed.
func Unseal(b []byte) ([]byte, error) {
	plain, ok := strings.CutPrefix(string(b), "sealed:")
	if !ok {
		return nil, fmt.Errorf("cannot open what is not sealed")
	}
	out := []byte(plain)
	for i := range out {
		out[i] ^= 0x55
	}
	return out, nil
}

// Suite says how the scripts of a folder are run.
type Suite struct {
	Service string                             // that names without a service belong to
	Build   func(*testing.T, Parts)            // makes the services and registers them on the bus
	Types   []resource.Type                    // of "make"
	Hide    *regexp.Regexp                     // what differs between runs; shown as <>
	Call    map[string]func(arg string) string // further commands, and what they answer
	Checked bool                               // inputs are checked as the gateway does
}

// Run runs every testdata/*.txt.
func (s Suite) Run(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := &run{Suite: s, dir: t.TempDir(), ids: &ids{}, clock: clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), made: map[string]*made{}, kept: map[string]string{}}
			r.start(t)
			t.Cleanup(func() { r.stop(t) })
			r.file(t, file)
		})
	}
}

type run struct {
	Suite
	dir    string
	clock  *clock.Manual
	ids    *ids
	store  *store.Store
	bus    *bus.Bus
	engine *work.Engine
	cancel context.CancelCauseFunc
	caller bus.Caller
	made   map[string]*made
	kept   map[string]string
	last   string // the last answer
}

type made struct {
	kind resource.Type
	req  resource.Request
}

func (r *run) start(t *testing.T) {
	t.Helper()
	var err error
	if r.store, err = store.Open(filepath.Join(r.dir, "state.db")); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	r.bus, r.engine = bus.New(r.check), work.New(r.store, r.clock, log)
	r.Build(t, Parts{Store: r.store, Clock: r.clock, IDs: r.ids, Bus: r.bus, Work: r.engine, Log: log})
	ctx, cancel := context.WithCancelCause(context.Background())
	r.cancel = cancel
	if err := r.engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// check is the gateway's check of an input.
func (r *run) check(ctx context.Context, call *bus.Call, next bus.Handler) (any, error) {
	if r.Checked {
		c := wire.New(call.Service.Model)
		if err := c.Validate(c.Model.Operation(call.Operation.Name), call.In); err != nil {
			return nil, err
		}
	}
	return next(ctx, call.In)
}

func (r *run) stop(t *testing.T) {
	t.Helper()
	r.cancel(work.ErrStopped)
	r.engine.Wait()
	if err := r.store.Close(); err != nil {
		t.Error(err)
	}
}

func (r *run) file(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		head, want, _ := strings.Cut(block, "\n----")
		got := r.block(t, head)
		r.settle(t)
		if r.Hide != nil {
			got = r.Hide.ReplaceAllString(got, "<>")
		}
		got = strings.TrimSpace(got)
		if want = strings.TrimSpace(want); got != want && !*rewrite {
			t.Errorf("%s\ngot\n%s\nwant\n%s", head, got, want)
		}
		if got != "" {
			head += "\n----\n" + got
		}
		all = append(all, head)
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(all, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// settle waits until the tasks that are due have ended.
func (r *run) settle(t *testing.T) {
	tasks := store.NewTable[work.Task]("work_tasks")
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		var left []work.Task
		if err := r.store.View(t.Context(), func(tx *store.Tx) (err error) {
			left, err = tasks.List(tx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		now := r.clock.Now()
		if !slices.ContainsFunc(left, func(k work.Task) bool { return !k.RunAt.After(now) }) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("tasks that are due do not end: %v", left)
		}
	}
}

// block does what a block says and returns the answer, "" where there is none.
func (r *run) block(t *testing.T, head string) string {
	var lines []string
	for line := range strings.SplitSeq(head, "\n") {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	name, arg, _ := strings.Cut(lines[0], " ")
	input := r.refer(strings.Join(lines[1:], "\n"))
	switch name {
	case "advance":
		d, err := time.ParseDuration(arg)
		if err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(d)
	case "restart":
		r.stop(t)
		r.start(t)
	case "let":
		r.let(t, arg)
	case "as":
		r.caller.Source = arg
	case "in":
		r.caller.Region = arg
	case "make", "remake", "change", "drop":
		return r.resource(t, name, arg, input)
	default:
		if f := r.Call[name]; f != nil {
			return f(arg)
		}
		return r.call(t, name, input)
	}
	return ""
}

func (r *run) context() context.Context { return bus.With(context.Background(), r.caller) }

func (r *run) call(t *testing.T, name, input string) string {
	service, operation, other := strings.Cut(name, ":")
	if !other {
		service, operation = r.Service, name
	}
	_, o := r.bus.Lookup(service, operation)
	if o == nil {
		t.Fatalf("there is no operation %s of %s", operation, service)
	}
	in := o.NewInput()
	if in != nil && input != "" {
		d := json.NewDecoder(strings.NewReader(input))
		d.DisallowUnknownFields()
		if err := d.Decode(in); err != nil {
			t.Fatalf("%s %s: %v", name, input, err)
		}
	}
	out, err := r.bus.Invoke(r.context(), service, operation, in)
	if err != nil {
		return r.failed(err)
	}
	r.last = shown(out)
	return r.last
}

// let keeps a member of the last answer under a name.
func (r *run) let(t *testing.T, arg string) {
	name, path, _ := strings.Cut(arg, " ")
	var v any
	if err := json.Unmarshal([]byte(r.last), &v); err != nil {
		t.Fatal(err)
	}
	for member := range strings.SplitSeq(path, ".") {
		if list, ok := v.([]any); ok && len(list) > 0 {
			if n, err := strconv.Atoi(member); err == nil && n < len(list) {
				v = list[n]
				continue
			}
			v = list[0]
		}
		m, _ := v.(map[string]any)
		v = m[member]
	}
	text, ok := v.(string)
	if !ok {
		t.Fatalf("let %s: there is no text %s in %s", name, path, r.last)
	}
	r.kept[name] = text
}

func (r *run) failed(err error) string {
	e := awserr.From(err)
	switch {
	case e == nil:
		return "! internal: " + err.Error()
	case e.HTTPStatus() != 400:
		return fmt.Sprintf("! %d %s", e.HTTPStatus(), err)
	}
	return "! " + err.Error()
}

func shown(x any) string {
	b, err := json.Marshal(x)
	if err != nil {
		return "cannot show: " + err.Error()
	}
	return string(b)
}

var reference = regexp.MustCompile(`\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}`)

// refer writes the ids and attributes of resources where the text names them.
func (r *run) refer(text string) string {
	return reference.ReplaceAllStringFunc(text, func(s string) string {
		m := reference.FindStringSubmatch(s)
		x := r.made[m[1]]
		if kept, ok := r.kept[m[1]]; ok {
			return kept
		}
		switch {
		case x == nil:
			return s
		case m[2] == "":
			return x.req.ID
		}
		value, _ := resource.Text(x.req.Attributes[m[2]])
		return value
	})
}

func (r *run) resource(t *testing.T, verb, arg, input string) string {
	name, kind, _ := strings.Cut(arg, " ")
	x := r.made[name]
	if verb == "make" {
		i := slices.IndexFunc(r.Types, func(k resource.Type) bool { return k.Name == kind })
		if i < 0 {
			t.Fatalf("there is no type %s", kind)
		}
		x = &made{kind: r.Types[i], req: resource.Request{
			Bus: r.bus, Clock: r.clock, StackName: "stack", LogicalID: name, Token: "TOKEN12345678",
			StackID: "arn:aws:cloudformation:us-east-1:123456789012:stack/stack/00000000-0000-4000-8000-000000000000",
		}}
		x.req.Tags = map[string]string{"aws:cloudformation:stack-name": "stack", "aws:cloudformation:stack-id": x.req.StackID, "aws:cloudformation:logical-id": name}
		r.made[name] = x
	}
	if x == nil {
		t.Fatalf("there is no resource %s", name)
	}
	ctx := bus.With(context.Background(), bus.Caller{Region: r.caller.Region, Source: "cloudformation"})
	switch verb {
	case "make", "remake":
		x.req.Again = verb == "remake"
		if verb == "make" {
			x.req.Properties = properties(t, x.kind, input)
		}
		return r.took(&x.req, x.kind, func() (*resource.Made, error) { return x.kind.Create(ctx, &x.req) })
	case "change":
		return r.change(ctx, t, x, input)
	}
	if err := x.kind.Delete(ctx, &x.req); err != nil {
		return r.failed(err)
	}
	return "dropped"
}

func (r *run) change(ctx context.Context, t *testing.T, x *made, input string) string {
	next := x.req
	next.Old, next.OldTags, next.Properties = x.req.Properties, x.req.Tags, properties(t, x.kind, input)
	replaced := x.kind.Update == nil || x.kind.Replaces != nil && x.kind.Replaces(&next)
	for _, p := range x.kind.Replacement {
		replaced = replaced || next.Changed(p)
	}
	if replaced {
		return "replaced"
	}
	got := r.took(&next, x.kind, func() (*resource.Made, error) { return x.kind.Update(ctx, &next) })
	if !strings.HasPrefix(got, "!") {
		next.Old = nil
		x.req = next
	}
	return got
}

func (r *run) took(req *resource.Request, kind resource.Type, make func() (*resource.Made, error)) string {
	for _, name := range kind.Refused {
		if req.Properties[name] != nil {
			return "! not implemented: " + kind.Name + " property " + name
		}
	}
	m, err := make()
	if err != nil {
		return r.failed(err)
	}
	for _, a := range slices.Sorted(maps.Keys(m.Attributes)) {
		if !slices.Contains(kind.Attributes, a) {
			return "! undeclared attribute " + a
		}
	}
	for _, a := range kind.Attributes {
		if _, ok := m.Attributes[a]; !ok {
			return "! no attribute " + a
		}
	}
	req.ID, req.Attributes = m.ID, m.Attributes
	return m.ID + " " + shown(m.Attributes)
}

// properties reads the properties of a resource as CloudFormation's engine
// hands them over, and checks their names as it does.
func properties(t *testing.T, kind resource.Type, input string) map[string]any {
	d := json.NewDecoder(strings.NewReader(input))
	d.UseNumber()
	p := map[string]any{}
	if err := d.Decode(&p); input != "" && err != nil {
		t.Fatalf("%s: %v", input, err)
	}
	for _, name := range kind.Required {
		if _, ok := p[name]; !ok {
			t.Fatalf("%s: %s is required", kind.Name, name)
		}
	}
	for name := range p {
		if !slices.Contains(slices.Concat(kind.Required, kind.Optional, kind.Refused), name) {
			t.Fatalf("%s has no property %s", kind.Name, name)
		}
	}
	return p
}

// ids are predictable: they count.
type ids struct{ n atomic.Int64 }

func (i *ids) UUID() string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i.n.Add(1)) }

func (i *ids) Hex(bytes int) string { return fmt.Sprintf("%0*x", 2*bytes, i.n.Add(1)) }
