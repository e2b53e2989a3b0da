package cloudformation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var rewrite = flag.Bool("rewrite", false, "write what the commands answer into testdata")

// world is what the test's resource types make: things by name.
type world struct {
	mu     sync.Mutex
	things map[string]string
	broken map[string]bool // names that cannot be made, changed or deleted
	clock  clock.Clock
	begun  chan struct{} // closed when a gate is being made
	open   chan struct{} // closed: gates can be made
}

func (w *world) set(name, value string, is bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, there := w.things[name]
	switch {
	case w.broken[value]:
		return awserr.New(400, "InvalidParameterException", "Invalid value %s", value)
	case is != there && is:
		return awserr.New(404, "NotFoundException", "Thing does not exist")
	case is != there:
		return awserr.New(400, "ThingAlreadyExists", "Thing %s already exists", name)
	}
	w.things[name] = value
	return nil
}

// types has things that are named, changed in place and replaced.
func (w *world) types() []resource.Type {
	made := func(r *resource.Request, name string) *resource.Made {
		return &resource.Made{ID: name, Attributes: map[string]any{"Value": r.Text("Value"), "Upper": strings.ToUpper(r.Text("Value"))}}
	}
	return []resource.Type{{
		Name: "AWS::Test::Thing", Optional: []string{"Name", "Value", "Tags"}, Refused: []string{"Impossible"}, Attributes: []string{"Value", "Upper"},
		Replacement: []string{"Name"},
		Create: func(_ context.Context, r *resource.Request) (*resource.Made, error) {
			name := r.Name("Name", 60)
			if err := w.set(name, r.Text("Value"), false); err != nil && !(r.Again && resource.Is(err, "ThingAlreadyExists")) {
				return nil, err
			}
			return made(r, name), nil
		},
		Update: func(_ context.Context, r *resource.Request) (*resource.Made, error) {
			return made(r, r.ID), w.set(r.ID, r.Text("Value"), true)
		},
		Delete: func(_ context.Context, r *resource.Request) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.broken[r.ID] {
				return awserr.New(409, "ThingInUse", "Thing %s is in use", r.ID)
			}
			delete(w.things, r.ID)
			return nil
		},
	}, {
		Name: "AWS::Test::Gate", Optional: []string{"Value"},
		Create: func(_ context.Context, r *resource.Request) (*resource.Made, error) {
			close(w.begun)
			<-w.open
			return &resource.Made{ID: "gate"}, nil
		},
		Update: func(_ context.Context, r *resource.Request) (*resource.Made, error) {
			close(w.begun)
			<-w.open
			return &resource.Made{ID: "gate"}, nil
		},
		Delete: func(context.Context, *resource.Request) error { return nil },
	}, {
		Name: "AWS::IAM::Role", Optional: []string{"RoleName"},
		Create: func(_ context.Context, r *resource.Request) (*resource.Made, error) {
			return &resource.Made{ID: r.Name("RoleName", 64)}, nil
		},
		Update: nothing, Delete: func(context.Context, *resource.Request) error { return nil },
	}}
}

// neighbours answer for S3, whose objects are the files of testdata; SSM, whose
// parameters are things; Secrets Manager; and Lambda.
func (w *world) neighbours(service, operation string, in any) (any, error) {
	switch in := in.(type) {
	case *s3.GetObjectInput:
		f, err := os.Open(filepath.Join("testdata", *in.Bucket, *in.Key))
		if err != nil {
			return nil, awserr.New(404, "NoSuchKey", "The specified key does not exist.")
		}
		return &s3.GetObjectOutput{Body: f}, nil
	case *ssm.GetParameterInput:
		w.mu.Lock()
		defer w.mu.Unlock()
		v, ok := w.things[*in.Name]
		if !ok {
			return nil, awserr.New(400, "ParameterNotFound", "")
		}
		return &ssm.GetParameterOutput{Parameter: &ssm.Parameter{Name: in.Name, Value: &v, Type: new("String")}}, nil
	case *secretsmanager.GetSecretValueInput:
		return &secretsmanager.GetSecretValueOutput{SecretString: new(`{"user": "u-` + *in.SecretId + `", "n": 5}`)}, nil
	case *lambda.InvokeInput:
		done := w.clock.Busy()
		go func() {
			defer done()
			w.provide(in.Payload)
		}()
		return &lambda.InvokeOutput{StatusCode: new(int64(202))}, nil
	}
	return nil, awserr.NotImplemented(service + ":" + operation)
}

// provide answers for custom resources, as their property Do says.
func (w *world) provide(payload []byte) {
	var q struct {
		RequestType, ResponseURL, PhysicalResourceID, LogicalResourceID, ResourceType string
		ResourceProperties, OldResourceProperties                                     map[string]any
	}
	if err := json.Unmarshal(payload, &q); err != nil {
		panic(err)
	}
	p, _ := json.Marshal(q.ResourceProperties)
	w.mu.Lock()
	for i := 1; ; i++ {
		name := fmt.Sprintf("~%s %s %d", q.LogicalResourceID, q.RequestType, i)
		if _, there := w.things[name]; !there {
			w.things[name] = q.ResourceType + " " + q.PhysicalResourceID + " " + string(p)
			break
		}
	}
	w.mu.Unlock()
	id, _ := q.ResourceProperties["ID"].(string)
	answer := map[string]any{"Status": "SUCCESS", "PhysicalResourceId": id, "Data": map[string]any{"Out": q.ResourceProperties["In"], "N": 7}}
	if id == "" && q.PhysicalResourceID != "" {
		answer["PhysicalResourceId"] = q.PhysicalResourceID
	}
	do, _ := q.ResourceProperties["Do"].(string)
	switch {
	case do == "nothing", do == "silent" && q.RequestType == "Create":
		return
	case do == "fail"+q.RequestType:
		answer["Status"], answer["Reason"] = "FAILED", "it is "+do
	case strings.HasPrefix(do, "http"): // a wait handle
		put(do, map[string]any{"Status": id, "Reason": "because", "UniqueId": "u", "Data": "signal"})
	}
	put(q.ResponseURL, answer)
}

func put(url string, body any) {
	b, _ := json.Marshal(body)
	q, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	if resp, err := http.DefaultClient.Do(q); err == nil {
		resp.Body.Close()
	}
}

// rig is a service of a test.
type rig struct {
	t     *testing.T
	s     *Service
	world *world
	ctx   context.Context
	url   string
}

// calls are the neighbours of a test.
type calls func(service, operation string, in any) (any, error)

func (c calls) Invoke(_ context.Context, service, operation string, in any) (any, error) {
	return c(service, operation, in)
}

func newRig(t *testing.T, dir string, w *world, h calls) *rig {
	t.Helper()
	st, err := store.Open(filepath.Join(dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	c, log := clock.New(0), slog.New(slog.DiscardHandler)
	engine := work.New(st, c, log)
	w.clock = c
	r := &rig{t: t, world: w, ctx: bus.With(t.Context(), bus.Caller{})}
	web := httptest.NewUnstartedServer(nil)
	r.s = New(Deps{Store: st, Clock: c, Bus: h, IDs: bus.RandomIDs{}, Work: engine, Log: log, Types: w.types(), Endpoint: "http://" + web.Listener.Addr().String()})
	web.Config.Handler = r.s
	web.Start()
	r.url = web.URL
	r.s.Register(engine)
	ctx, stop := context.WithCancelCause(context.Background())
	if err := engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop(work.ErrStopped)
		engine.Wait()
		web.Close()
		st.Close()
	})
	return r
}

// wait waits until the operation of a stack has ended.
func (r *rig) wait(name string) *api.Stack {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		out, err := r.s.DescribeStacks(r.ctx, &api.DescribeStacksInput{StackName: &name})
		if err != nil {
			return nil
		}
		if !strings.HasSuffix(*out.Stacks[0].StackStatus, "_IN_PROGRESS") {
			return &out.Stacks[0]
		}
		time.Sleep(time.Millisecond)
	}
	r.t.Fatalf("stack %s does not come to an end", name)
	return nil
}

// The files hold cases of the form
//
//	== name
//	command arguments
//	  template or other input, indented
//	command ...
//	----
//	what the commands answer
//
// Commands: create, update, changeset (shown, and executed with "execute"),
// delete, cancel, continue, rollback, break and mend (things, by name or value),
// open (gates), events, world. With --begun a command does not wait for
// the end, but for a gate. Options of the form Key=Value are parameters, --flag options.
func TestStacks(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, c := range strings.Split("\n"+string(b), "\n== ")[1:] {
			name, rest, _ := strings.Cut(c, "\n")
			script, want, _ := strings.Cut(rest, "\n----\n")
			got := ""
			t.Run(name, func(t *testing.T) {
				got = play(t, script)
				if strings.TrimSpace(got) != strings.TrimSpace(want) && !*rewrite {
					t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
				}
			})
			fmt.Fprintf(&out, "== %s\n%s\n----\n%s\n\n", name, strings.TrimSpace(script), strings.TrimSpace(got))
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.TrimSuffix(out.String(), "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func play(t *testing.T, script string) string {
	w := &world{things: map[string]string{}, broken: map[string]bool{}, begun: make(chan struct{}), open: make(chan struct{})}
	r := newRig(t, t.TempDir(), w, w.neighbours)
	var out strings.Builder
	var commands [][2]string
	for _, line := range strings.Split(script, "\n") {
		if input, is := strings.CutPrefix(line, "  "); is && len(commands) > 0 {
			commands[len(commands)-1][1] += input + "\n"
		} else if strings.TrimSpace(line) != "" {
			commands = append(commands, [2]string{line, ""})
		}
	}
	seen := map[string]int{}
	for _, c := range commands {
		fmt.Fprintf(&out, "%s\n%s", c[0], indent(r.do(seen, strings.Fields(c[0]), c[1])))
	}
	return tokens.ReplaceAllString(ids.ReplaceAllString(urls.ReplaceAllString(out.String(), "URL"), "ID"), "-TOKEN")
}

var (
	ids    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	urls   = regexp.MustCompile(`http://127[^"]*`)
	tokens = regexp.MustCompile(`-[A-Z2-7]{13}\b`)
)

func indent(text string) string {
	if text == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

func (r *rig) do(seen map[string]int, args []string, input string) string {
	var parameters []api.Parameter
	flags := map[string]bool{}
	var plain, skip []string
	for _, a := range args[1:] {
		k, v, ok := strings.Cut(a, "=")
		switch {
		case k == "--skip":
			skip = strings.Split(v, ",")
		case strings.HasPrefix(a, "--"):
			flags[a] = true
		case ok && v == "previous":
			parameters = append(parameters, api.Parameter{ParameterKey: &k, UsePreviousValue: new(true)})
		case ok:
			parameters = append(parameters, api.Parameter{ParameterKey: &k, ParameterValue: &v})
		default:
			plain = append(plain, a)
		}
	}
	name, body := "", &input
	if len(plain) > 0 {
		name = plain[0]
	}
	if input == "" {
		body = nil
	}
	var capabilities []string
	if flags["--iam"] {
		capabilities = []string{"CAPABILITY_IAM"}
	}
	if flags["--expand"] {
		capabilities = []string{"CAPABILITY_AUTO_EXPAND"}
	}
	var failure *string
	if flags["--delete-on-failure"] {
		failure = new("DELETE")
	}
	var minutes *int64
	if flags["--minute"] {
		minutes = new(int64(1))
	}
	var disable *bool
	if flags["--disable-rollback"] {
		disable = new(true)
	}
	var err error
	switch args[0] {
	case "open":
		close(r.world.open)
		return ""
	case "events":
		return r.happened(seen, name)
	case "cancel":
		_, err = r.s.CancelUpdateStack(r.ctx, &api.CancelUpdateStackInput{StackName: &name})
	case "break", "mend":
		r.world.mu.Lock()
		for _, n := range plain {
			r.world.broken[n] = args[0] == "break"
		}
		r.world.mu.Unlock()
		return ""
	case "world":
		r.world.mu.Lock()
		defer r.world.mu.Unlock()
		text := ""
		for _, n := range slices.Sorted(maps.Keys(r.world.things)) {
			text += n + " = " + r.world.things[n] + "\n"
		}
		return text
	case "create":
		_, err = r.s.CreateStack(r.ctx, &api.CreateStackInput{StackName: &name, TemplateBody: body, Parameters: parameters, Capabilities: capabilities,
			OnFailure: failure, TimeoutInMinutes: minutes, DisableRollback: disable, EnableTerminationProtection: new(flags["--protected"])})
	case "update":
		_, err = r.s.UpdateStack(r.ctx, &api.UpdateStackInput{StackName: &name, TemplateBody: body, UsePreviousTemplate: new(body == nil), Parameters: parameters,
			Capabilities: capabilities, DisableRollback: disable})
	case "changeset":
		return r.changeSet(seen, name, body, parameters, flags)
	case "delete":
		_, err = r.s.DeleteStack(r.ctx, &api.DeleteStackInput{StackName: &name, RetainResources: skip})
	case "continue":
		_, err = r.s.ContinueUpdateRollback(r.ctx, &api.ContinueUpdateRollbackInput{StackName: &name, ResourcesToSkip: skip})
	case "rollback":
		_, err = r.s.RollbackStack(r.ctx, &api.RollbackStackInput{StackName: &name})
	case "policy":
		_, err = r.s.SetStackPolicy(r.ctx, &api.SetStackPolicyInput{StackName: &name, StackPolicyBody: body})
		if err == nil {
			return ""
		}
	default:
		err = errors.New("no such command")
	}
	if err != nil {
		return err.Error()
	}
	if flags["--begun"] {
		<-r.world.begun
		return ""
	}
	return r.happened(seen, name)
}

func (r *rig) changeSet(seen map[string]int, name string, body *string, parameters []api.Parameter, flags map[string]bool) string {
	in := &api.CreateChangeSetInput{StackName: &name, ChangeSetName: new("set"), TemplateBody: body, Parameters: parameters, UsePreviousTemplate: new(body == nil)}
	if flags["--create"] {
		in.ChangeSetType = new("CREATE")
	}
	if body != nil {
		in.UsePreviousTemplate = nil
	}
	if _, err := r.s.CreateChangeSet(r.ctx, in); err != nil {
		return err.Error()
	}
	d, err := r.s.DescribeChangeSet(r.ctx, &api.DescribeChangeSetInput{StackName: &name, ChangeSetName: new("set")})
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%s %s %s\n", *d.Status, *d.ExecutionStatus, value(d.StatusReason))
	for _, c := range d.Changes {
		x := c.ResourceChange
		text += fmt.Sprintf("%s %s %s replacement %s scope %v\n", *x.Action, *x.LogicalResourceId, *x.ResourceType, orNull(value(x.Replacement)), x.Scope)
		for _, t := range x.Details {
			text += fmt.Sprintf("  %s %s %s %s %s %s\n", *t.Target.Attribute, value(t.Target.Name), *t.Target.RequiresRecreation, *t.Evaluation, *t.ChangeSource, value(t.CausingEntity))
		}
	}
	if flags["--execute"] {
		if _, err := r.s.ExecuteChangeSet(r.ctx, &api.ExecuteChangeSetInput{StackName: &name, ChangeSetName: new("set")}); err != nil {
			return text + err.Error()
		}
		return text + r.happened(seen, name)
	}
	if _, err := r.s.DeleteChangeSet(r.ctx, &api.DeleteChangeSetInput{StackName: &name, ChangeSetName: new("set")}); err != nil {
		return text + err.Error()
	}
	return text
}

// happened are the events since it was last asked, by resource, and what the
// stack is now.
func (r *rig) happened(seen map[string]int, name string) string {
	st := r.wait(name)
	key := name
	if st == nil { // deleted: it is found by its ARN
		list, err := r.s.ListStacks(r.ctx, &api.ListStacksInput{})
		if err != nil {
			return err.Error()
		}
		for _, x := range list.StackSummaries {
			if *x.StackName == name && *x.StackStatus == "DELETE_COMPLETE" {
				key = *x.StackId
				st = r.wait(key)
				break
			}
		}
	}
	var all []api.StackEvent
	for in := (&api.DescribeStackEventsInput{StackName: &key}); ; {
		page, err := r.s.DescribeStackEvents(r.ctx, in)
		if err != nil {
			return err.Error()
		}
		all = append(all, page.StackEvents...)
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	slices.Reverse(all)
	fresh := all[seen[*st.StackId]:]
	seen[*st.StackId] = len(all)
	lines := map[string][]string{}
	for _, e := range fresh {
		line := *e.ResourceStatus
		if e.ResourceStatusReason != nil {
			line += " (" + *e.ResourceStatusReason + ")"
		}
		if e.ResourceProperties != nil {
			line += " " + *e.ResourceProperties
		}
		id := *e.LogicalResourceId
		if id == name {
			id = "" // first
		}
		lines[id] = append(lines[id], line)
	}
	text := ""
	for _, id := range slices.Sorted(maps.Keys(lines)) {
		text += map[bool]string{true: "stack", false: id}[id == ""] + "\n"
		for _, l := range lines[id] {
			text += "  " + l + "\n"
		}
	}
	for _, o := range st.Outputs {
		text += fmt.Sprintf("output %s = %s\n", *o.OutputKey, *o.OutputValue)
	}
	return text
}
