package warehouse

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"stepwell/internal/sqlerr"
)

var (
	serialRounds = flag.Int("serial.rounds", 12, "rounds of TestStatementsHaveASerialOrder")
	serialSeed   = flag.Uint64("serial.seed", 1, "of its first round")
)

// serialTables are what the transactions of a round begin with.
const serialTables = `DROP TABLE IF EXISTS t0, t1, t2 CASCADE;
CREATE TABLE t0 (v int); CREATE TABLE t1 (v int); CREATE TABLE t2 (v int);
INSERT INTO t0 VALUES (1), (2), (3); INSERT INTO t1 VALUES (10), (20); INSERT INTO t2 VALUES (2), (20);
CREATE OR REPLACE PROCEDURE moved(n int) LANGUAGE plpgsql AS $$
DECLARE most int;
BEGIN
  SELECT INTO most max(v) FROM t0;
  IF most % 2 = 0 THEN
    INSERT INTO t1 VALUES (most + n);
  ELSE
    UPDATE t2 SET v = v + most + n;
  END IF;
END $$`

// serialState is what is compared at the end of a round.
const serialState = "SELECT 't0', v FROM t0 UNION ALL SELECT 't1', v FROM t1 UNION ALL SELECT 't2', v FROM t2 ORDER BY 1, 2"

// serialSteps are statements of transactions; %[1]s and %[2]s are two tables, %[3]d
// is a number. Several are separated by ";".
var serialSteps = []string{
	"SELECT count(*), sum(v) FROM %[1]s",
	"SELECT max(a.v) FROM %[1]s a, %[2]s b WHERE a.v >= b.v",
	"INSERT INTO %[1]s VALUES (%[3]d)",
	"INSERT INTO %[1]s SELECT coalesce(sum(v), 0) %% 1000 + %[3]d FROM %[2]s",
	"UPDATE %[1]s SET v = (v * 3 + %[3]d) %% 1000",
	"UPDATE %[1]s SET v = v + (SELECT max(v) FROM %[2]s)",
	"DELETE FROM %[1]s WHERE v %% 3 = %[3]d %% 3",
	"DELETE FROM %[1]s USING %[2]s WHERE %[1]s.v = %[2]s.v",
	"MERGE INTO %[1]s USING (SELECT DISTINCT v FROM %[2]s) s ON %[1]s.v = s.v WHEN MATCHED THEN UPDATE SET v = s.v + %[3]d WHEN NOT MATCHED THEN INSERT VALUES (s.v)",
	"CALL moved(%[3]d)",
	"CREATE TEMP TABLE own AS SELECT v FROM %[1]s; INSERT INTO %[2]s SELECT max(v) + %[3]d FROM own; DROP TABLE own",
	"CREATE TABLE fresh AS SELECT v + 1 AS v FROM %[1]s; DROP TABLE %[1]s; ALTER TABLE fresh RENAME TO %[1]s",
	"LOCK %[1]s; SELECT count(*) FROM %[1]s",
}

// serialAlone are statements that are transactions of their own.
var serialAlone = []string{"TRUNCATE %[1]s", "ALTER TABLE %[1]s APPEND FROM %[2]s", "CALL moved(%[3]d)", "UPDATE %[1]s SET v = v + %[3]d"}

// serialScript is a transaction and what its queries answered.
type serialScript struct {
	statements []string
	alone      bool
	answers    string
	committed  bool
}

func newSerialScript(r *rand.Rand) *serialScript {
	step := func(from []string) []string {
		first := r.IntN(3)
		text := fmt.Sprintf(from[r.IntN(len(from))], fmt.Sprint("t", first), fmt.Sprint("t", (first+1+r.IntN(2))%3), r.IntN(50))
		text, _, _ = strings.Cut(text, "%!(EXTRA")
		return strings.Split(text, "; ")
	}
	if r.IntN(5) == 0 {
		return &serialScript{statements: step(serialAlone), alone: true}
	}
	x := &serialScript{}
	for range 1 + r.IntN(4) {
		x.statements = append(x.statements, step(serialSteps)...)
	}
	return x
}

// run runs the transaction and returns what its queries answer, and why it failed.
func (x *serialScript) run(s *Session) (answers string, fault *sqlerr.Error) {
	ctx, all := context.Background(), x.statements
	if !x.alone {
		all = slices.Concat([]string{"BEGIN"}, all, []string{"COMMIT"})
	}
	var out strings.Builder
	for _, sql := range all {
		sink := &Texts{}
		if err := s.Execute(ctx, sql, sink); err != nil {
			e := sqlerr.From(err)
			_ = s.Execute(ctx, "ROLLBACK", Discard{})
			return "", e.WithDetail("%s: %s", sql, e.Detail)
		}
		for _, result := range sink.Results {
			for _, row := range result.Rows {
				for _, cell := range row {
					if cell == nil {
						out.WriteString("NULL ")
					} else {
						out.WriteString(*cell + " ")
					}
				}
			}
		}
		out.WriteString("\n")
	}
	return out.String(), nil
}

// TestStatementsHaveASerialOrder runs random transactions of all kinds of statements
// side by side in a serializable database. Those that commit answer, and leave,
// what they do in some order one after the other.
func TestStatementsHaveASerialOrder(t *testing.T) {
	x, y := newWorld(t), newWorld(t)
	main, again := x.session("main"), y.session("again")
	one(t, main, "ALTER DATABASE dev ISOLATION LEVEL SERIALIZABLE")
	committed, refused := 0, map[string]int{}
	for round := range *serialRounds {
		seed := *serialSeed + uint64(round)
		r := rand.New(rand.NewPCG(seed, 3))
		one(t, main, serialTables)
		scripts := make([]*serialScript, 4)
		var all sync.WaitGroup
		var mu sync.Mutex
		for i := range scripts {
			scripts[i] = newSerialScript(r)
			s := x.session(fmt.Sprint("s", i))
			all.Go(func() {
				answers, fault := scripts[i].run(s)
				scripts[i].answers, scripts[i].committed = answers, fault == nil
				if fault != nil {
					mu.Lock()
					refused[fault.Code+" "+fault.Message]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		scripts = slices.DeleteFunc(scripts, func(x *serialScript) bool { return !x.committed })
		committed += len(scripts)
		state := serialAnswer(t, main)
		if !inSomeOrder(t, again, scripts, nil, state) {
			for _, x := range scripts {
				t.Logf("%s\n%s", strings.Join(x.statements, "; "), x.answers)
			}
			t.Fatalf("seed %d: no order of these transactions leaves\n%s", seed, state)
		}
	}
	t.Logf("%d committed; refused: %v", committed, refused)
	for text := range refused {
		switch code := text[:5]; {
		case code == "40P01", text == "XX000 "+sqlerr.SerializationViolation, code == "42P01", code == "42P07", code == "55000", code == "3F000":
		default:
			t.Errorf("refused: %s", text)
		}
	}
	if committed < *serialRounds {
		t.Errorf("only %d transactions committed in %d rounds", committed, *serialRounds)
	}
}

func serialAnswer(t *testing.T, s *Session) string {
	t.Helper()
	answers, fault := (&serialScript{statements: []string{serialState}, alone: true}).run(s)
	if fault != nil {
		t.Fatal(fault, fault.Detail)
	}
	return answers
}

// inSomeOrder runs the transactions in all orders that begin with some of them,
// until one answers and leaves what they did side by side.
func inSomeOrder(t *testing.T, s *Session, left, done []*serialScript, state string) bool {
	if len(left) > 0 {
		for i, x := range left {
			if inSomeOrder(t, s, slices.Delete(slices.Clone(left), i, i+1), append(slices.Clone(done), x), state) {
				return true
			}
		}
		return false
	}
	one(t, s, serialTables)
	for _, x := range done {
		if answers, fault := x.run(s); fault != nil || answers != x.answers {
			return false
		}
	}
	return serialAnswer(t, s) == state
}
