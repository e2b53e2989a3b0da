package redshiftdata

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	redshiftapi "stepwell/internal/awsapi/redshift"
	secretsapi "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/sqlerr"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// fakeWarehouse understands "rows N", "write N", "fail TEXT", "block", "twice", "die
// before commit" and "die after commit"; anything else writes nothing and
// affects no rows. It keeps what was executed and what was committed.
type fakeWarehouse struct {
	mu       sync.Mutex
	ran      []string
	marks    map[string]bool
	blocked  chan struct{} // receives once for each statement that blocks
	connects int
	asked    int // times for the end of a transaction whose connection was lost
}

func newFake() *fakeWarehouse {
	return &fakeWarehouse{marks: map[string]bool{}, blocked: make(chan struct{}, 100)}
}

func (w *fakeWarehouse) Connect(_ context.Context, t Target) (Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.connects++
	if t.Database == "nowhere" {
		return nil, &sqlerr.Error{Severity: "FATAL", Code: sqlerr.UndefinedDatabase, Message: `database "nowhere" does not exist`}
	}
	return &fakeSession{w: w, t: t, pid: int64(1000 + w.connects)}, nil
}

func (w *fakeWarehouse) Committed(_ context.Context, _ Target, mark string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	outcome, lost := strings.CutPrefix(mark, "lost ")
	if !lost {
		return w.marks[mark], nil
	}
	w.asked++
	switch {
	case outcome == "never":
		return false, &sqlerr.Error{Severity: "FATAL", Code: OutcomeUnknown, Message: "who knows"}
	case outcome == "silent" || w.asked == 1:
		return false, errors.New("nobody answers")
	}
	return outcome == "committed", nil
}

func (w *fakeWarehouse) count(prefix string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sql := range w.ran {
		if strings.HasPrefix(sql, prefix) {
			n++
		}
	}
	return n
}

type fakeSession struct {
	w   *fakeWarehouse
	t   Target
	pid int64
}

func (f *fakeSession) PID() int64   { return f.pid }
func (f *fakeSession) Close() error { return nil }

func (f *fakeSession) Execute(ctx context.Context, x Execution, sink Sink) error {
	wrote, end := false, ""
	for i, st := range x.Statements {
		if err := sink.Started(i); err != nil {
			return err
		}
		f.w.mu.Lock()
		f.w.ran = append(f.w.ran, st.SQL+" "+strings.Join(st.Args, ","))
		f.w.mu.Unlock()
		verb, arg, _ := strings.Cut(st.SQL, " ")
		n, _ := strconv.Atoi(arg)
		out := Outcome{QueryID: int64(i + 1)}
		switch verb {
		case "rows":
			if err := f.rows(i, n, sink); err != nil {
				return err
			}
			out.Rows = int64(n)
		case "write":
			wrote, out.Rows = true, int64(n)
		case "fail":
			return sqlerr.New(sqlerr.SyntaxError, "%s", arg).At(7)
		case "block":
			select {
			case f.w.blocked <- struct{}{}:
			default: // nobody counts that many
			}
			<-ctx.Done()
			return sqlerr.New(sqlerr.QueryCanceled, "Query (7) cancelled on user's request")
		case "lose":
			if err := sink.Done(i, out); err != nil {
				return err
			}
			if err := sink.Prepared(true, "lost "+arg); err != nil {
				return err
			}
			return &Undecided{sqlerr.New(OutcomeUnknown, "lost")}
		case "die":
			wrote, end = true, arg
		}
		if err := sink.Done(i, out); err != nil {
			return err
		}
		if verb == "twice" { // a text of two statements, and with an argument both have rows
			if arg != "" {
				if err := sink.Columns(i, []Column{{}}); err != nil {
					return err
				}
				if err := sink.Columns(i, []Column{{}}); err != nil {
					return err
				}
			}
			if err := sink.Done(i, Outcome{Rows: 3}); err != nil {
				return err
			}
		}
	}
	if err := sink.Prepared(wrote, ""); err != nil {
		return err
	}
	if wrote && end != "before commit" {
		f.w.mu.Lock()
		f.w.marks[x.Mark] = true
		f.w.mu.Unlock()
	}
	if end != "" {
		f.w.blocked <- struct{}{}
		select {} // the server is dead: nothing comes back
	}
	return nil
}

func (f *fakeSession) rows(i, n int, sink Sink) error {
	err := sink.Columns(i, []Column{{Name: "id", Type: "int4", NotNull: true}, {Name: "name", Type: "varchar", Precision: 20},
		{Name: "price", Type: "float8"}, {Name: "ok", Type: "bool"}, {Name: "raw", Type: "varbyte"}, {Name: "nothing", Type: "numeric", Precision: 18, Scale: 2}})
	for k := 0; k < n && err == nil; k++ {
		err = sink.Row(i, []any{int64(k), "name \"" + strconv.Itoa(k) + "\"\n", float64(k) / 4, k%2 == 0, []byte{byte(k)}, nil})
	}
	return err
}

func (f *fakeSession) Databases(context.Context) ([]string, error) {
	return []string{"dev", "sales"}, nil
}

func (f *fakeSession) Schemas(_ context.Context, _, pattern string) ([]string, error) {
	if pattern == "bad" {
		return nil, sqlerr.New(sqlerr.UndefinedSchema, "no such schema")
	}
	return []string{"pg_catalog", "public"}, nil
}

func (f *fakeSession) Tables(context.Context, string, string, string) ([]Table, error) {
	return []Table{{"public", "a", "TABLE"}, {"public", "b", "VIEW"}, {"public", "c", "TABLE"}}, nil
}

func (f *fakeSession) Columns(_ context.Context, _, _, table string) ([]Column, error) {
	if table != "a" {
		return nil, nil
	}
	return []Column{{Name: "id", Type: "int4", NotNull: true, Schema: "public", Table: "a"}, {Name: "s", Type: "varchar", Precision: 16, Default: "'x'"}}, nil
}

// neighbours answers for redshift and secretsmanager.
type neighbours struct{}

func (neighbours) Invoke(_ context.Context, service, operation string, in any) (any, error) {
	switch in := in.(type) {
	case *redshiftapi.DescribeClustersInput:
		status := map[string]string{"stepwell": "available", "asleep": "paused"}[*in.ClusterIdentifier]
		if status == "" {
			return nil, awserr.New(404, "ClusterNotFound", "Cluster %s not found.", *in.ClusterIdentifier)
		}
		return &redshiftapi.DescribeClustersOutput{Clusters: []redshiftapi.Cluster{{ClusterStatus: &status}}}, nil
	case *secretsapi.GetSecretValueInput:
		secret := map[string]string{"good": `{"username":"etl","password":"x","dbClusterIdentifier":"stepwell"}`, "bad": `[1]`,
			"other": `{"username":"etl","dbClusterIdentifier":"elsewhere"}`}[*in.SecretId]
		if secret == "" {
			return nil, awserr.New(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		}
		return &secretsapi.GetSecretValueOutput{SecretString: &secret}, nil
	}
	return nil, awserr.NotImplemented(service + ":" + operation)
}

// server is one life of the service over a folder.
type server struct {
	*Service
	bus   *bus.Bus
	clock *clock.Manual
	ctx   context.Context
	told  chan Event
}

func (s *server) statementEnded(tx *store.Tx, e Event) error {
	tx.AfterCommit(func() { s.told <- e })
	return nil
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newServer(t *testing.T, dir string, w *fakeWarehouse) *server {
	t.Helper()
	db, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	sv := &server{clock: clock.NewManual(start), bus: bus.New(), told: make(chan Event, 10)}
	engine := work.New(db, sv.clock, slog.Default())
	sv.Service = New(Deps{Store: db, Clock: sv.clock, Bus: neighbours{}, IDs: bus.RandomIDs{}, Work: engine,
		Log: slog.Default(), Warehouse: w, Dir: filepath.Join(dir, "results"), Events: sv.statementEnded})
	sv.Register(engine)
	sv.bus.Register(sv.Table())
	if err := engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(work.ErrStopped); sv.Close(); db.Close() })
	sv.ctx = bus.With(ctx, bus.Caller{Account: "111122223333", Region: "eu-west-1", Principal: "arn:aws:iam::111122223333:user/foo"})
	return sv
}
