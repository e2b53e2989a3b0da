package warehouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"stepwell/internal/sqlerr"
)

// The example of "Troubleshooting serializable isolation errors" and its kin.
func TestSerialGraph(t *testing.T) {
	type step struct {
		txn   int
		table string // "" commits
		a     access
		fails bool
	}
	for name, steps := range map[string][]step{
		"cross reading and writing": {{1, "tab1", reads, false}, {1, "tab2", appends, false}, {2, "tab1", appends, false}, {2, "tab2", reads, true}},
		"the first had committed": {{1, "a", reads, false}, {2, "b", reads, false}, {1, "b", appends, false}, {1, "", 0, false},
			{2, "a", appends, true}},
		"appending side by side": {{1, "a", appends, false}, {2, "a", appends, false}, {1, "b", reads, false}, {2, "b", appends, false}, {2, "", 0, false}, {1, "", 0, false}},
		"a lost update":          {{1, "a", reads, false}, {2, "a", reads, false}, {2, "a", modifies, false}, {2, "", 0, false}, {1, "a", modifies, true}},
		"a reader sees half": {{1, "x", reads, false}, {2, "x", reads | modifies, false}, {2, "", 0, false}, {3, "x", reads, false}, {3, "y", reads, false},
			{3, "", 0, false}, {1, "y", modifies, true}},
		"only readers": {{1, "x", reads, false}, {2, "x", reads, false}, {1, "", 0, false}, {2, "", 0, false}},
	} {
		g, open := &serial{}, map[int]*txn{}
		for i, s := range steps {
			tx := open[s.txn]
			if tx == nil {
				tx = g.begin()
				open[s.txn] = tx
			}
			var cycle []int64
			if s.table == "" {
				cycle = g.commit(tx)
			} else {
				cycle = g.use(tx, tableID(s.table), s.a)
			}
			if (cycle != nil) != s.fails {
				t.Errorf("%s: step %d: cycle %v, fails %v", name, i, cycle, s.fails)
			}
		}
	}
}

// Random transactions over a few counters under snapshot reads: those that the
// graph lets commit leave what some serial order of them leaves, and read what
// they read there.
func TestSerialGraphAgainstEverySerialOrder(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		run := newSerialRun(r, 2+r.IntN(3))
		for run.step() {
		}
		if !run.serializable() {
			t.Fatalf("seed %d: no serial order explains %v", seed, run.done)
		}
		if n := len(run.g.live); n > len(run.done) {
			t.Fatalf("seed %d: %d transactions kept of %d", seed, n, len(run.done))
		}
	}
}

// serialRun plays transactions whose every write is the sum of all they read.
type serialRun struct {
	r      *rand.Rand
	g      *serial
	state  [3]int
	open   []*player
	todo   int
	done   []*player
	writer [3]*player // the table lock
}

type player struct {
	tx       *txn
	n        int
	snapshot [3]int
	sum      int
	wrote    [3]bool
	acts     []act
}

type act struct {
	table int
	write bool
	saw   int
}

func newSerialRun(r *rand.Rand, n int) *serialRun { return &serialRun{r: r, g: &serial{}, todo: n} }

func (s *serialRun) step() bool {
	if s.todo > 0 && (len(s.open) == 0 || s.r.IntN(3) == 0) {
		s.open = append(s.open, &player{tx: s.g.begin(), snapshot: s.state, n: s.todo})
		s.todo--
		return true
	}
	if len(s.open) == 0 {
		return false
	}
	i := s.r.IntN(len(s.open))
	p := s.open[i]
	if len(p.acts) < 3 {
		s.act(i, p)
		return true
	}
	if s.g.commit(p.tx) != nil {
		s.abort(i, p)
		return true
	}
	for x := range s.state {
		if p.wrote[x] {
			s.state[x] = p.snapshot[x]
		}
	}
	s.close(i, p)
	s.done = append(s.done, p)
	return true
}

func (s *serialRun) act(i int, p *player) {
	a := act{table: s.r.IntN(3), write: s.r.IntN(2) == 0}
	if a.write && s.writer[a.table] != nil && s.writer[a.table] != p {
		s.abort(i, p) // stands for the wait
		return
	}
	kind := reads
	if a.write {
		kind |= modifies
	}
	if s.g.use(p.tx, int64(a.table), kind) != nil {
		s.abort(i, p)
		return
	}
	p.perform(&a)
	if a.write {
		s.writer[a.table] = p
	}
	p.acts = append(p.acts, a)
}

// perform reads, and writes what depends on everything read.
func (p *player) perform(a *act) {
	a.saw = p.snapshot[a.table]
	p.sum = (p.sum*31 + a.saw + p.n) % 1000003
	if a.write {
		p.snapshot[a.table], p.wrote[a.table] = p.sum+1, true
	}
}

func (s *serialRun) abort(i int, p *player) {
	s.g.abort(p.tx)
	s.close(i, p)
}

func (s *serialRun) close(i int, p *player) {
	s.open = slices.Delete(s.open, i, i+1)
	for x, w := range s.writer {
		if w == p {
			s.writer[x] = nil
		}
	}
}

// serializable tries every order of the committed transactions.
func (s *serialRun) serializable() bool {
	var try func(left []*player, state [3]int) bool
	try = func(left []*player, state [3]int) bool {
		if len(left) == 0 {
			return state == s.state
		}
		for i, p := range left {
			again := &player{n: p.n, snapshot: state}
			same := true
			for _, a := range p.acts {
				b := act{table: a.table, write: a.write}
				again.perform(&b)
				same = same && b == a
			}
			if same && try(slices.Delete(slices.Clone(left), i, i+1), again.snapshot) {
				return true
			}
		}
		return false
	}
	return try(s.done, [3]int{})
}

func tableID(name string) (id int64) {
	for _, c := range name {
		id = id*256 + int64(c)
	}
	return id
}

// Sessions run random transactions side by side in a serializable database:
// what was committed and read is that of some serial order.
func TestConcurrentTransactionsHaveASerialOrder(t *testing.T) {
	x := newWorld(t)
	main := x.session("main")
	if out := x.execute(main, "ALTER DATABASE dev ISOLATION LEVEL SERIALIZABLE; CREATE TABLE t0 (v int); CREATE TABLE t1 (v int); CREATE TABLE t2 (v int)"); strings.Contains(out, "ERROR") {
		t.Fatal(out)
	}
	committed := 0
	for round := range 25 {
		x.execute(main, "TRUNCATE t0; TRUNCATE t1; TRUNCATE t2; INSERT INTO t0 VALUES (0); INSERT INTO t1 VALUES (0); INSERT INTO t2 VALUES (0)")
		var all sync.WaitGroup
		players := make([]*player, 4)
		for i := range players {
			s, r := x.session("s"+strconv.Itoa(i)), rand.New(rand.NewPCG(uint64(round), uint64(i)))
			all.Go(func() { players[i] = playAt(t, s, r, i+1) })
		}
		all.Wait()
		run := &serialRun{}
		for _, p := range players {
			if p != nil {
				run.done = append(run.done, p)
			}
		}
		for i := range run.state {
			run.state[i], _ = strconv.Atoi(one(t, main, fmt.Sprintf("SELECT v FROM t%d", i)))
		}
		if !run.serializable() {
			t.Fatalf("round %d: no serial order of %d transactions leaves %v", round, len(run.done), run.state)
		}
		committed += len(run.done)
	}
	if committed < 25 {
		t.Fatalf("only %d transactions committed in 25 rounds", committed)
	}
}

// playAt runs a transaction of three steps; nil when the database refused it.
func playAt(t *testing.T, s *Session, r *rand.Rand, n int) *player {
	p := &player{n: n}
	do := func(sql string) (string, bool) {
		sink := &Texts{}
		if err := s.Execute(context.Background(), sql, sink); err != nil {
			if e := sqlerr.From(err); e.Message != sqlerr.SerializationViolation && e.Code != "40P01" {
				t.Errorf("%s: %v", sql, err)
			}
			_ = s.Execute(context.Background(), "ROLLBACK", &Texts{})
			return "", false
		}
		if len(sink.Results[0].Rows) == 0 {
			return "", true
		}
		return *sink.Results[0].Rows[0][0], true
	}
	if _, ok := do("BEGIN"); !ok {
		return nil
	}
	for range 3 {
		a := act{table: r.IntN(3), write: r.IntN(2) == 0}
		saw, ok := do(fmt.Sprintf("SELECT v FROM t%d", a.table))
		if !ok {
			return nil
		}
		p.snapshot[a.table], _ = strconv.Atoi(saw)
		p.perform(&a)
		if a.write {
			if _, ok := do(fmt.Sprintf("UPDATE t%d SET v = %d", a.table, p.snapshot[a.table])); !ok {
				return nil
			}
		}
		p.acts = append(p.acts, a)
	}
	if _, ok := do("COMMIT"); !ok {
		return nil
	}
	return p
}

// Under snapshot isolation, too, no increment that was committed is lost.
func TestNoUpdateIsLost(t *testing.T) {
	x := newWorld(t)
	main := x.session("main")
	one(t, main, "CREATE TABLE counter (v int); INSERT INTO counter VALUES (0)")
	var all sync.WaitGroup
	done := make([]int, 6)
	for i := range done {
		s := x.session("s" + strconv.Itoa(i))
		all.Go(func() {
			for range 20 {
				sql := "BEGIN; SELECT v FROM counter; UPDATE counter SET v = v + 1; COMMIT"
				if i%2 == 0 {
					sql = "UPDATE counter SET v = v + 1"
				}
				if s.Execute(context.Background(), sql, &Texts{}) == nil {
					done[i]++
				} else {
					_ = s.Execute(context.Background(), "ROLLBACK", &Texts{})
				}
			}
		})
	}
	all.Wait()
	want := 0
	for _, n := range done {
		want += n
	}
	if got := one(t, main, "SELECT v FROM counter"); got != strconv.Itoa(want) || done[0] == 0 {
		t.Fatalf("%s increments kept of %d (%v)", got, want, done)
	}
}
