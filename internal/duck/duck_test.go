package duck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/sqlerr"
)

func open(t *testing.T) *Conn {
	e, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Attach(context.Background(), "dev", filepath.Join(t.TempDir(), "dev.duckdb")); err != nil {
		t.Fatal(err)
	}
	c, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := c.Exec(context.Background(), "SET search_path = 'dev.main,memory.main'"); err != nil {
		t.Fatal(err)
	}
	return c
}

// answer runs a query and prints its rows, values separated by |.
func answer(c *Conn, sql string, args ...any) string {
	ctx := context.Background()
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return fault(err)
	}
	defer rows.Close()
	var out []string
	for {
		chunk, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return strings.Join(out, "\n")
		}
		if err != nil {
			return fault(err)
		}
		for i := range chunk.Len() {
			cells := make([]string, chunk.Width())
			for j := range cells {
				cells[j] = "NULL"
				if v := chunk.Column(j); !v.Null(i) {
					cells[j] = string(v.AppendText(nil, i, Format{}))
				}
			}
			out = append(out, strings.Join(cells, "|"))
		}
	}
}

func fault(err error) string {
	e := sqlerr.From(err)
	return e.Code + " " + e.Message
}

// TestCompression: texts are written as they are.
func TestCompression(t *testing.T) {
	c := open(t)
	for _, sql := range []string{"CREATE TABLE dev.main.texts AS SELECT 'text number ' || i % 10 AS x FROM range(200000) t(i)", "CHECKPOINT dev"} {
		if _, err := c.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if got := answer(c, "SELECT DISTINCT compression FROM pragma_storage_info('dev.main.texts') WHERE segment_type = 'VARCHAR'"); got != "Uncompressed" {
		t.Errorf("texts are written with the compression %s", got)
	}
}

// TestAnswers runs testdata/*.txt: a query, then what it answers, separated by
// an empty line.
func TestAnswers(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c := open(t)
			for _, part := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
				query, want, _ := strings.Cut(part, "\n")
				if strings.HasPrefix(query, "#") {
					query, want, _ = strings.Cut(want, "\n")
				}
				if got := answer(c, query); got != want {
					t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
				}
			}
		})
	}
}

func TestParameters(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		sql  string
		args []any
		want string
	}{
		{"SELECT $1 + 1", []any{int64(41)}, "42"},
		{"SELECT i FROM range(10) t(i) WHERE i = $1", []any{"7"}, "7"},
		{"SELECT DATE '2024-01-02' = $1", []any{"2024-01-02"}, "t"},
		{"SELECT $1, $2, $3", []any{nil, true, "x"}, "NULL|t|x"},
		{"SELECT 1.50::DECIMAL(8,2) < $1", []any{"1.51"}, "t"},
		{"SELECT $1", nil, "08P01 bind message supplies 0 parameters, but prepared statement requires 1"},
	} {
		if got := answer(c, x.sql, x.args...); got != x.want {
			t.Errorf("%s %v: got %s, want %s", x.sql, x.args, got, x.want)
		}
	}
}

func TestCancel(t *testing.T) {
	c := open(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Exec(ctx, "SELECT sum(a.i * b.i) FROM range(1000000) a(i), range(1000000) b(i)")
	if got := sqlerr.From(err).Code; got != sqlerr.QueryCanceled {
		t.Fatalf("got %v", err)
	}
	if got := answer(c, "SELECT 1"); got != "1" {
		t.Fatalf("the connection is of no use after a cancel: %s", got)
	}
}

// TestBuffer runs a second statement while the rows of the first are on their way.
func TestBuffer(t *testing.T) {
	c, ctx := open(t), context.Background()
	rows, err := c.Query(ctx, "SELECT i FROM range(100000) t(i)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	chunk, err := rows.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(chunk.Len())
	rows.Buffer(ctx)
	if got := answer(c, "SELECT 2"); got != "2" {
		t.Fatal(got)
	}
	for {
		chunk, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		part := chunk.Slice(1, chunk.Len())
		if part.Column(0).Int(0) != n+1 {
			t.Fatalf("row %d after %d", part.Column(0).Int(0), n)
		}
		n += int64(chunk.Len())
	}
	if n != 100000 {
		t.Fatalf("%d rows", n)
	}
}

func TestDates(t *testing.T) {
	for _, day := range []int64{-719528, -719163, -1, 0, 59, 11016, 19782, 2932896} {
		got := string(appendDate(nil, day))
		want := time.Unix(day*86400, 0).UTC()
		text := want.Format("2006-01-02")
		if want.Year() <= 0 {
			text = fmt.Sprintf("%04d-%02d-%02d BC", 1-want.Year(), want.Month(), want.Day())
		}
		if got != text {
			t.Errorf("day %d: got %s, want %s", day, got, text)
		}
	}
}
