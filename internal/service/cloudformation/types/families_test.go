package types_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/gateway"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/service/cloudformation/types"
	"stepwell/internal/service/events"
	"stepwell/internal/service/iam"
	"stepwell/internal/service/logs"
	"stepwell/internal/service/s3"
	"stepwell/internal/service/scheduler"
	"stepwell/internal/service/sns"
	"stepwell/internal/service/sqs"
	"stepwell/internal/service/states"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests got into testdata")

// stage is a stack's surroundings: real services, and the resources made so far.
type stage struct {
	t     *testing.T
	bus   *bus.Bus
	ctx   context.Context
	clock *clock.Manual
	types map[string]resource.Type
	made  map[string]*made
}

type made struct {
	typ        resource.Type
	properties map[string]any
	token      string
	*resource.Made
}

type countingIDs struct{ n int }

func (c *countingIDs) UUID() string {
	c.n++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", c.n)
}

func (c *countingIDs) Hex(bytes int) string { c.n++; return fmt.Sprintf("%0*x", 2*bytes, c.n) }

func newStage(t *testing.T) *stage {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ids, now := &countingIDs{}, clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	b := bus.New(gateway.Validation())
	w := work.New(st, now, slog.New(slog.DiscardHandler))
	queues := sqs.New(sqs.Deps{Store: st, Clock: now, IDs: ids, Work: w, Endpoint: "http://localhost:4566"})
	queues.Register(w)
	topics := sns.New(sns.Deps{Store: st, Clock: now, IDs: ids, Work: w, Dir: t.TempDir(), Mail: sns.NewOutbox(t.TempDir())})
	topics.Register(w)
	rules := events.New(events.Deps{Store: st, Clock: now, Bus: b, IDs: ids, Work: w})
	rules.Register(w)
	plans := scheduler.New(scheduler.Deps{Store: st, Clock: now, Bus: b, Catalog: b, IDs: ids, Work: w})
	plans.Register(w)
	for _, table := range []*bus.Service{
		iam.New(iam.Deps{Store: st, Clock: now, IDs: ids}).Table(),
		topics.Table(),
		queues.Table(),
		logs.New(logs.Deps{Store: st, Clock: now, IDs: ids}).Table(),
		rules.Table(),
		plans.Table(),
		states.New(states.Deps{Store: st, Clock: now, Bus: b, Catalog: b, IDs: ids}).Table(),
		objects(t, st, now, ids, b, w),
	} {
		b.Register(table)
	}
	s := &stage{t: t, bus: b, clock: now, types: map[string]resource.Type{}, made: map[string]*made{},
		ctx: bus.With(t.Context(), bus.Caller{Source: "cloudformation"})}
	for _, typ := range types.All() {
		s.types[typ.Name] = typ
	}
	return s
}

// objects is S3, of which the process may hold one at a time.
func objects(t *testing.T, st *store.Store, now clock.Clock, ids bus.IDs, b *bus.Bus, w *work.Engine) *bus.Service {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := s3.New(s3.Deps{Store: st, Clock: now, IDs: ids, Bus: b, Work: w, Data: t.TempDir()})
	s.Register(w)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		os.Chdir(wd)
	})
	return s.Table()
}

// TestFamilies makes, changes and removes resources as testdata/families says:
//
//	create TYPE LOGICALID    properties as JSON; what Ref and Fn::GetAtt give
//	again LOGICALID          the same after a crash: with Again set, the same answer
//	update LOGICALID         new properties; "replacement" where AWS replaces
//	delete LOGICALID
//	call SERVICE OPERATION   the input as JSON; the answer
//
// ${LogicalID} and ${LogicalID.Attribute} in properties are the resources made before.
func TestFamilies(t *testing.T) {
	files, err := filepath.Glob("testdata/families/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		path, err := filepath.Abs(file) // S3 changes the working directory
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { newStage(t).run(path) })
	}
}

func (s *stage) run(file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	var blocks []string
	for block := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n\n") {
		if block = strings.TrimSpace(block); strings.HasPrefix(block, "#") {
			blocks = append(blocks, block)
			continue
		}
		head, want, _ := strings.Cut(block, "\n----")
		line, input, _ := strings.Cut(head, "\n")
		got := strings.TrimSpace(s.command(strings.Fields(line), input))
		if want = strings.TrimSpace(want); got != want && !*rewrite {
			s.t.Errorf("%s\n-- got\n%s\n-- want\n%s", head, got, want)
		}
		blocks = append(blocks, strings.TrimSpace(head+"\n----\n"+got))
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(blocks, "\n\n")+"\n"), 0o666); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stage) command(args []string, input string) string {
	for id, m := range s.made {
		input = strings.ReplaceAll(input, "${"+id+"}", m.ID)
		for name, x := range m.Attributes {
			input = strings.ReplaceAll(input, "${"+id+"."+name+"}", fmt.Sprint(x))
		}
	}
	if _, ok := s.made[args[1]]; !ok && args[0] != "create" && args[0] != "call" {
		return "not made: " + args[1]
	}
	switch args[0] {
	case "create":
		typ, ok := s.types[args[1]]
		if !ok {
			return "no type " + args[1]
		}
		m := &made{typ: typ, properties: s.decode(input), token: fmt.Sprintf("TOKEN%08d", len(s.made))}
		return s.create(args[2], m, false)
	case "again":
		return s.create(args[1], s.made[args[1]], true)
	case "update":
		return s.update(args[1], s.made[args[1]], s.decode(input))
	case "delete":
		m := s.made[args[1]]
		r := s.request(args[1], m)
		r.ID, r.Attributes = m.ID, m.Attributes
		return fault(m.typ.Delete(s.ctx, r))
	case "call":
		_, op := s.bus.Lookup(args[1], args[2])
		in := op.NewInput()
		if err := json.Unmarshal([]byte(input), in); err != nil {
			return err.Error()
		}
		out, err := s.bus.Invoke(s.ctx, args[1], args[2], in)
		if err != nil {
			return fault(err)
		}
		b, err := json.MarshalIndent(out, "", " ")
		return string(b) + fault(err)
	}
	return "no command " + args[0]
}

func (s *stage) decode(input string) map[string]any {
	d := json.NewDecoder(strings.NewReader(input))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		s.t.Fatalf("%v in %s", err, input)
	}
	return m
}

func (s *stage) request(id string, m *made) *resource.Request {
	return &resource.Request{Bus: s.bus, Clock: s.clock, StackName: "stack", StackID: "arn:aws:cloudformation:us-east-1:123456789012:stack/stack/1",
		LogicalID: id, Tags: map[string]string{"aws:cloudformation:stack-name": "stack", "team": "etl"}, OldTags: map[string]string{"aws:cloudformation:stack-name": "stack", "team": "etl"},
		Properties: m.properties, Token: m.token}
}

func (s *stage) create(id string, m *made, again bool) string {
	for _, name := range m.typ.Required {
		if m.properties[name] == nil {
			return "missing: " + name
		}
	}
	for name := range m.properties {
		if !slices.Contains(m.typ.Required, name) && !slices.Contains(m.typ.Optional, name) {
			return "no property " + name
		}
	}
	r := s.request(id, m)
	r.Again = again
	out, err := m.typ.Create(s.ctx, r)
	if err != nil {
		if out != nil {
			m.Made, s.made[id] = out, m
			return fault(err) + "\nmade " + out.ID
		}
		return fault(err)
	}
	m.Made, s.made[id] = out, m
	return shown(m)
}

func (s *stage) update(id string, m *made, properties map[string]any) string {
	old := m.properties
	m.properties = properties
	r := s.request(id, m)
	r.ID, r.Attributes, r.Old = m.ID, m.Attributes, old
	if m.typ.Update == nil || r.AnyChanged(m.typ.Replacement...) || m.typ.Replaces != nil && m.typ.Replaces(r) {
		m.properties = old
		return "replacement"
	}
	out, err := m.typ.Update(s.ctx, r)
	if err != nil {
		return fault(err)
	}
	m.Made = out
	return shown(m)
}

func shown(m *made) string {
	lines := []string{"Ref: " + m.ID}
	for _, name := range m.typ.Attributes {
		lines = append(lines, fmt.Sprintf("%s: %v", name, m.Attributes[name]))
	}
	for name := range m.Attributes {
		if !slices.Contains(m.typ.Attributes, name) {
			lines = append(lines, "undeclared attribute "+name)
		}
	}
	return strings.Join(lines, "\n")
}

func fault(err error) string {
	if err == nil {
		return ""
	}
	return "error: " + err.Error()
}
