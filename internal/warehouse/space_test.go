package warehouse

import (
	"context"
	"fmt"
	"os"
	"testing"

	"stepwell/internal/sqlerr"
)

// TestReclaim loads a table anew again and again: its file stops growing, also
// while others read and write, and they still see their snapshot.
func TestReclaim(t *testing.T) {
	x := newWorld(t)
	s, reader, writer := x.session("main"), x.session("reader"), x.session("writer")
	one(t, s, "CREATE TABLE digits (d int); INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
	one(t, s, "CREATE TABLE other (a int); INSERT INTO other VALUES (1)")
	const fill = "CREATE TABLE big AS SELECT repeat(md5(CAST(a.d * 100000 + b.d * 10000 + c.d * 1000 + d.d * 100 + e.d * 10 + f.d AS varchar)), 12) AS text FROM digits a, digits b, digits c, digits d, digits e, (SELECT d FROM digits WHERE d < 3) f"
	file := s.cluster.file("dev")
	var sizes []int64
	for i := range 7 {
		one(t, s, "DROP TABLE IF EXISTS big")
		switch i {
		case 1:
			one(t, writer, "BEGIN; INSERT INTO other VALUES (2)")
			one(t, reader, "BEGIN; SELECT count(*) FROM other")
		case 3:
			if n := one(t, reader, "SELECT count(*) FROM other"); n != "1" {
				t.Fatal("a reader's snapshot changed:", n)
			}
			one(t, writer, "COMMIT")
			one(t, reader, "COMMIT")
		}
		one(t, s, fill)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size()>>20)
	}
	s.db.space.free = func() (int64, error) { return freeSpace - 1, nil }
	if err := s.Execute(context.Background(), "VACUUM", Discard{}); sqlerr.From(err).Code != sqlerr.DiskFull {
		t.Error("VACUUM on a full disk:", err)
	}
	one(t, s, "DROP TABLE big; "+fill)
	if n := one(t, s, "SELECT count(*) FROM big"); n != "300000" {
		t.Fatal(n, "rows")
	}
	if n := one(t, s, "SELECT count(*) FROM other"); n != "2" {
		t.Fatal(n, "rows in the other table")
	}
	if sizes[0] < freeSpace>>20 || sizes[6] > sizes[3] {
		t.Error("the file grew with every load (MB): " + fmt.Sprint(sizes))
	}
	t.Log(sizes)
}
