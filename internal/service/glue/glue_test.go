package glue

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	glueapi "stepwell/internal/awsapi/glue"
	logsapi "stepwell/internal/awsapi/logs"
	s3api "stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/process"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var rewrite = flag.Bool("rewrite", false, "write what the operations answer into testdata")

// world is a server with Glue and the neighbours it talks to.
type world struct {
	t       *testing.T
	dir     string
	store   *store.Store
	clock   *clock.Manual
	bus     *bus.Bus
	service *Service
	stop    func()

	mu      sync.Mutex
	objects map[string][]byte   // bucket/key
	logs    map[string][]string // group/stream
	streams map[string]bool
	faults  int           // PutLogEvents calls that fail before one succeeds
	ended   []string      // state changes of runs
	changed []string      // of the catalog
	signal  chan struct{} // something was logged or has ended
	envs    *process.Environments
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, dir: t.TempDir(), objects: map[string][]byte{}, logs: map[string][]string{}, streams: map[string]bool{},
		signal: make(chan struct{}, 1), clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	}
	w.envs = process.NewEnvironments(process.EnvironmentsOptions{CacheDir: filepath.Join(w.dir, "cache")})
	s, err := store.Open(filepath.Join(w.dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	w.store = s
	t.Cleanup(func() { s.Close() })
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// start begins a server over the store, as after a restart.
func (w *world) start() {
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	w.bus = bus.New()
	engine := work.New(w.store, w.clock, log)
	w.service = New(Deps{
		Store: w.store, Clock: w.clock, Bus: w.bus, IDs: bus.RandomIDs{}, Work: engine, Log: log,
		Environments: w.envs, RunDir: filepath.Join(w.dir, "runs"),
		EndpointURL: func() string { return "http://127.0.0.1:4566" },
		Events: func(tx *store.Tx, _, _, kind string, _ []string, detail any) error {
			text, err := json.Marshal(detail)
			tx.AfterCommit(func() {
				w.note(func() {
					if strings.HasPrefix(kind, "Glue Data Catalog") {
						w.changed = append(w.changed, kind+" "+string(text))
						return
					}
					w.ended = append(w.ended, kind+" "+string(text))
				})
			})
			return err
		},
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "down") {
				return nil, fmt.Errorf("connection refused")
			}
			c, _ := net.Pipe()
			return c, nil
		},
	})
	w.service.Register(engine)
	w.bus.Register(w.service.Table())
	w.bus.Register(&bus.Service{Name: "s3", Operations: []bus.Operation{bus.Op("GetObject", w.getObject)}})
	w.bus.Register(&bus.Service{Name: "logs", Operations: []bus.Operation{
		bus.Op("CreateLogGroup", func(context.Context, *logsapi.CreateLogGroupInput) (*logsapi.CreateLogGroupOutput, error) {
			return nil, logsapi.ResourceAlreadyExistsException("The specified log group already exists")
		}),
		bus.Op("CreateLogStream", w.createStream), bus.Op("PutLogEvents", w.putEvents),
	}})
	ctx, cancel := context.WithCancelCause(context.Background())
	if err := engine.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.stop = func() {
		cancel(work.ErrStopped)
		engine.Wait()
	}
}

func (w *world) note(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// await waits until something that happens makes ready true.
func (w *world) await(what string, ready func() bool) {
	w.t.Helper()
	limit := time.After(5 * time.Minute) // a hang: pip takes a minute on a busy machine
	for {
		w.mu.Lock()
		ok := ready()
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-w.signal:
		case <-limit:
			w.t.Fatalf("no %s; ended %q, logs %q", what, w.ended, w.logs)
		}
	}
}

func (w *world) getObject(_ context.Context, r *s3api.GetObjectInput) (*s3api.GetObjectOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	content, ok := w.objects[*r.Bucket+"/"+*r.Key]
	if !ok {
		return nil, awserr.New(404, "NoSuchKey", "The specified key does not exist.")
	}
	return &s3api.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(content))}, nil
}

func (w *world) createStream(_ context.Context, r *logsapi.CreateLogStreamInput) (*logsapi.CreateLogStreamOutput, error) {
	w.note(func() { w.streams[*r.LogGroupName+"/"+*r.LogStreamName] = true })
	return &logsapi.CreateLogStreamOutput{}, nil
}

func (w *world) putEvents(_ context.Context, r *logsapi.PutLogEventsInput) (*logsapi.PutLogEventsOutput, error) {
	key := *r.LogGroupName + "/" + *r.LogStreamName
	var fault error
	w.note(func() {
		if w.faults > 0 {
			w.faults--
			fault = awserr.New(503, "ServiceUnavailableException", "try again")
			return
		}
		if !w.streams[key] {
			fault = logsapi.ResourceNotFoundException("The specified log stream does not exist.")
			return
		}
		for _, e := range r.LogEvents {
			w.logs[key] = append(w.logs[key], *e.Message)
		}
	})
	return &logsapi.PutLogEventsOutput{}, fault
}

func call[Out any](w *world, op string, in any) (*Out, error) {
	return bus.Invoke[Out](bus.With(w.t.Context(), bus.Caller{Account: "111122223333", Region: "eu-west-1"}), w.bus, "glue", op, in)
}

func must[Out any](w *world, op string, in any) *Out {
	w.t.Helper()
	out, err := call[Out](w, op, in)
	if err != nil {
		w.t.Fatalf("%s: %v", op, err)
	}
	return out
}

// TestOperations runs the scripts in testdata: a line "Operation {input}" and,
// after "=> ", the answer or the error. "@account region" changes the caller.
func TestOperations(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range scripts {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			caller := bus.Caller{Account: "111122223333", Region: "eu-west-1"}
			var out strings.Builder
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "=>") {
					continue
				}
				out.WriteString(line)
				line = strings.TrimSpace(line)
				if at, ok := strings.CutPrefix(line, "@"); ok {
					caller.Account, caller.Region, _ = strings.Cut(at, " ")
				} else if op, in, ok := strings.Cut(line, " {"); ok && line[0] != '#' {
					fmt.Fprintf(&out, "=> %s\n", w.answer(caller, op, "{"+in))
					w.clock.Advance(time.Second)
				}
			}
			if *rewrite {
				if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, got := strings.Split(string(text), "\n"), strings.Split(out.String(), "\n")
			for i := range want {
				if i >= len(got) || want[i] != got[i] {
					t.Fatalf("line %d:\n got %s\nwant %s", i+1, got[min(i, len(got)-1)], want[i])
				}
			}
		})
	}
}

func (w *world) answer(caller bus.Caller, op, input string) string {
	_, o := w.bus.Lookup("glue", op)
	if o == nil {
		w.t.Fatalf("no operation %s", op)
	}
	in := o.NewInput()
	if in == nil {
		in = &struct{}{}
	}
	d := json.NewDecoder(strings.NewReader(input))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		w.t.Fatalf("%s %s: %v", op, input, err)
	}
	out, err := w.bus.Invoke(bus.With(w.t.Context(), caller), "glue", op, in)
	if e := awserr.From(err); e != nil {
		return e.Error()
	}
	if err != nil {
		w.t.Fatalf("%s %s: %v", op, input, err)
	}
	var text strings.Builder
	encode := json.NewEncoder(&text)
	encode.SetEscapeHTML(false)
	if err := encode.Encode(out); err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

// TestTable compares the operation table with the model.
func TestTable(t *testing.T) {
	rows := map[string]bus.Operation{}
	for _, o := range New(Deps{}).Table().Operations {
		rows[o.Name] = o
	}
	for _, o := range glueapi.Model.Operations {
		if row, ok := rows[o.Name]; !ok || o.Modelled != (row.Handle != nil) {
			t.Errorf("%s: modelled %v, row %v, %v", o.Name, o.Modelled, ok, row.Status)
		}
		delete(rows, o.Name)
	}
	for name := range rows {
		t.Errorf("%s is not in the model", name)
	}
}

func TestExpression(t *testing.T) {
	keys := []glueapi.Column{
		{Name: new("year"), Type: new("int")}, {Name: new("region"), Type: new("string")},
		{Name: new("day"), Type: new("date")}, {Name: new("at"), Type: new("timestamp")}, {Name: new("price"), Type: new("decimal(10,2)")},
	}
	values := []string{"2015", "eu-west", "2015-03-04", "2015-03-04 05:06:07", "9.50"}
	for _, c := range []struct {
		expression string
		want       string // "true", "false", "unknown" or the error's message
	}{
		{"year = 2015", "true"},
		{"year = '2015'", "true"},
		{"YEAR=2015 AND region='eu-west'", "true"},
		{"year > 999", "true"}, // as numbers, not as text
		{"2014 < year", "true"},
		{"year <> 2015", "false"},
		{"year != 2014", "true"},
		{"year >= 2016 or region like 'eu-%'", "true"},
		{"region like 'eu_west'", "true"},
		{"region like 'EU%'", "false"},
		{"region not like '%west'", "false"},
		{`region like 'eu\_west'`, "false"},
		{"not (year = 2015)", "false"},
		{"not year in (1, 2)", "true"},
		{"year not in (2014, 2015)", "false"},
		{"year in ('2014', '2015')", "true"},
		{"year between 2010 and 2015", "true"},
		{"year not between 2010 and 2014", "true"},
		{"day >= '2015-03-01' and day < date '2015-04-01'", "true"},
		{"at = timestamp '2015-03-04 05:06:07.0'", "true"},
		{"at > '2015-03-04'", "true"},
		{"price = 9.5", "true"},
		{"price > -1", "true"},
		{`"region" = 'eu-west' and ` + "`year` = 2015", "true"},
		{"region = 'it''s'", "false"},
		{"region is null", "false"},
		{"region is not null", "true"},
		{"year = 2015 or year = 1 and region = 'x'", "true"},
		{"(year = 2015 or year = 1) and region = 'x'", "false"},
		{"year", "Unsupported expression: expected an operator, found end of expression"},
		{"year = ", "Unsupported expression: expected a literal, found end of expression"},
		{"year = 2015 region", "Unsupported expression: unexpected 'region'"},
		{"month = 1", "Unknown column or partition key: month"},
		{"year = 'x'", "Invalid value 'x' for partition key year"},
		{"day = 'yesterday'", "Invalid value 'yesterday' for partition key day"},
		{"region = 'x", "Unsupported expression: unterminated '"},
		{"year in (1", "Unsupported expression: expected ), found end of expression"},
		{strings.Repeat("(", 10000), "Unsupported expression: nested too deeply"},
	} {
		p, err := parseExpression(c.expression, keys)
		got := ""
		if err != nil {
			got = awserr.From(err).Message
		} else {
			got = map[truth]string{isTrue: "true", isFalse: "false", isUnknown: "unknown"}[p(values)]
		}
		if got != c.want {
			t.Errorf("%.60s: got %s, want %s", c.expression, got, c.want)
		}
	}
	null := []string{nullPartition, "", "", "x", ""}
	for expression, want := range map[string]truth{
		"year = 1": isUnknown, "not year = 1": isUnknown, "year is null": isTrue, "year = 1 or region = ''": isTrue,
		"year = 1 and region = 'x'": isFalse, "at > '2000-01-01'": isUnknown,
	} {
		if p, err := parseExpression(expression, keys); err != nil || p(null) != want {
			t.Errorf("%s of NULL: %v, %v", expression, p(null), err)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("year = 2015 and (region like 'a%' or day between '2015-01-01' and date '2016-01-01')")
	keys := []glueapi.Column{{Name: new("year"), Type: new("int")}, {Name: new("region"), Type: new("string")}, {Name: new("day"), Type: new("date")}}
	f.Fuzz(func(t *testing.T, source string) {
		if p, err := parseExpression(source, keys); err == nil {
			p([]string{"1", "a", "2015-01-01"})
		} else if awserr.From(err) == nil {
			t.Errorf("%q: %v", source, err)
		}
	})
}

func TestConnectionAddresses(t *testing.T) {
	for url, want := range map[string]string{
		"jdbc:redshift://host:5440/dev":             "host:5440",
		"jdbc:postgresql://host/db?ssl=true":        "host:5432",
		"jdbc:mysql://10.0.0.1:3307/db":             "10.0.0.1:3307",
		"jdbc:sqlserver://host:1433;databaseName=a": "host:1433",
		"jdbc:oracle:thin://@host:1521/service":     "host:1521",
		"jdbc:oracle:thin:@host:1521:sid":           "host:1521",
		"jdbc:redshift://[::1]:5439/dev":            "[::1]:5439",
		"jdbc:snowflake://host/":                    "NotImplemented: not implemented: glue:TestConnection for jdbc:snowflake",
		"postgresql://host/db":                      "InvalidInputException: Invalid JDBC_CONNECTION_URL: postgresql://host/db",
	} {
		got, err := addressesOf(glueapi.Connection{ConnectionType: new("JDBC"), ConnectionProperties: map[string]string{"JDBC_CONNECTION_URL": url}})
		if err != nil && err.Error() != want || err == nil && got[0] != want {
			t.Errorf("%s: %v, %v", url, got, err)
		}
	}
}
