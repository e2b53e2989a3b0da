package warehouse

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/lake"
	"stepwell/internal/sqlerr"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts answer into testdata")

// world is a warehouse over temporary folders, with what a script can reach.
type world struct {
	t        *testing.T
	dir      string
	w        *Warehouse
	objects  lake.DirObjects
	catalog  *lake.MemoryCatalog
	sessions map[string]*Session
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	x := &world{t: t, dir: dir, objects: lake.DirObjects{Root: filepath.Join(dir, "s3")}, catalog: lake.NewMemoryCatalog(), sessions: map[string]*Session{}}
	if err := os.MkdirAll(filepath.Join(dir, "s3", "bucket"), 0o755); err != nil {
		t.Fatal(err)
	}
	x.open()
	t.Cleanup(func() { x.close() })
	return x
}

func (x *world) open() {
	w, err := Open(Options{Dir: filepath.Join(x.dir, "redshift"), Objects: x.objects, Catalog: x.catalog})
	if err != nil {
		x.t.Fatal(err)
	}
	x.w = w
}

func (x *world) close() {
	x.sessions = map[string]*Session{}
	if err := x.w.Close(); err != nil {
		x.t.Error(err)
	}
}

func (x *world) session(name string) *Session {
	if s := x.sessions[name]; s != nil {
		return s
	}
	database, _, other := strings.Cut(name, "/")
	if !other {
		database = DefaultDatabase
	}
	s, err := x.w.Session(context.Background(), Identity{Account: "000000000000", Region: "us-east-1", Cluster: "c", Database: database}, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	x.sessions[name] = s
	return s
}

// scriptBlock is one command of a script: "command arguments", its input, and after
// a line of dashes what it answers.
type scriptBlock struct {
	line           int
	command, input string
	comment        string
	want           string
	expects        bool
}

// TestScripts runs testdata/*.test. A block is
//
//	execute [session]    SQL; answers rows, tags, notices or the error. The session
//	                     "other/name" is one of the database other
//	file s3://bucket/key its input is the object's content; file64: in base64
//	cat s3://bucket/key  prints an object; ls s3://bucket/prefix lists keys
//	fails                each line is a statement; answers the error of each
//	poll                 runs the automatic COPY jobs
//	reopen               closes the warehouse and opens it again
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".test"), func(t *testing.T) {
			blocks := readBlocks(t, path)
			x := newWorld(t)
			for i := range blocks {
				b := &blocks[i]
				got := x.run(b)
				if *rewrite {
					b.want, b.expects = got, got != ""
				} else if got != b.want {
					t.Errorf("%s:%d: %s\n%s\ngot:\n%s\nwant:\n%s", path, b.line, b.command, b.input, got, b.want)
				}
			}
			if *rewrite {
				writeBlocks(t, path, blocks)
			}
		})
	}
}

func readBlocks(t *testing.T, path string) (list []scriptBlock) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b *scriptBlock
	comment, line, inWant := "", 0, false
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		line++
		text := scan.Text()
		switch {
		case b == nil && strings.HasPrefix(text, "#"):
			comment += text + "\n"
		case b == nil && text == "":
			comment += "\n"
		case b == nil:
			list = append(list, scriptBlock{line: line, command: text, comment: comment})
			b, comment, inWant = &list[len(list)-1], "", false
		case text == "----":
			b.expects, inWant = true, true
		case text == "":
			b, comment = nil, "\n"
		case inWant:
			b.want += text + "\n"
		default:
			b.input += text + "\n"
		}
	}
	return list
}

func writeBlocks(t *testing.T, path string, list []scriptBlock) {
	var out strings.Builder
	for _, b := range list {
		out.WriteString(b.comment + b.command + "\n" + b.input)
		if b.expects {
			out.WriteString("----\n" + b.want)
		}
	}
	out.WriteString("\n")
	if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (x *world) run(b *scriptBlock) string {
	word, rest, _ := strings.Cut(b.command, " ")
	ctx := context.Background()
	switch word {
	case "execute":
		if rest == "" {
			rest = "main"
		}
		return x.execute(x.session(rest), b.input)
	case "fails":
		return x.fails(b.input)
	case "poll":
		x.w.pollCopyJobs(ctx, map[string]string{})
		return ""
	case "reopen":
		x.close()
		x.open()
		return ""
	}
	bucket, key, err := lake.SplitURI(rest)
	if err != nil {
		x.t.Fatalf("line %d: %v", b.line, err)
	}
	path := filepath.Join(x.objects.Root, bucket, key)
	switch word {
	case "file64":
		content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(b.input))
		if err != nil {
			x.t.Fatalf("line %d: %v", b.line, err)
		}
		b = &scriptBlock{input: string(content)}
		fallthrough
	case "file":
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			x.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.input), 0o644); err != nil {
			x.t.Fatal(err)
		}
		return ""
	case "cat":
		text, err := os.ReadFile(path)
		if err != nil {
			return err.Error() + "\n"
		}
		return strings.TrimRight(string(text), "\n") + "\n"
	case "ls":
		list, err := x.objects.List(ctx, bucket, key)
		if err != nil {
			return err.Error() + "\n"
		}
		var out strings.Builder
		for _, o := range list {
			out.WriteString(o.Key + "\n")
		}
		return out.String()
	}
	x.t.Fatalf("line %d: unknown command %q", b.line, word)
	return ""
}

func (x *world) execute(s *Session, sql string) string {
	var out strings.Builder
	sink := &Texts{}
	err := s.Execute(context.Background(), sql, sink)
	for _, n := range sink.Notices {
		fmt.Fprintf(&out, "%s:  %s\n", n.Severity, n.Message)
	}
	for _, r := range sink.Results {
		if r.Rows != nil {
			printRows(&out, r)
		} else {
			out.WriteString(r.Done.Tag + "\n")
		}
	}
	var e *sqlerr.Error
	if errors.As(err, &e) {
		fmt.Fprintf(&out, "ERROR %s:  %s\n", e.Code, e.Message)
		if e.Detail != "" {
			fmt.Fprintf(&out, "DETAIL:  %s\n", e.Detail)
		}
		if e.Hint != "" {
			fmt.Fprintf(&out, "HINT:  %s\n", e.Hint)
		}
		if e.Context != "" {
			fmt.Fprintf(&out, "CONTEXT:  %s\n", e.Context)
		}
	} else if err != nil {
		out.WriteString(err.Error() + "\n")
	}
	return out.String()
}

// fails runs lines one by one and gives the error of each.
func (x *world) fails(lines string) string {
	var out strings.Builder
	for sql := range strings.Lines(lines) {
		var e *sqlerr.Error
		if err := x.session("main").Execute(context.Background(), sql, Discard{}); errors.As(err, &e) {
			fmt.Fprintf(&out, "%s %s\n", e.Code, e.Message)
		} else {
			fmt.Fprintf(&out, "no error: %v\n", err)
		}
	}
	return out.String()
}

func printRows(out *strings.Builder, r TextResult) {
	var names []string
	for _, c := range r.Columns {
		names = append(names, c.Name)
	}
	out.WriteString(strings.Join(names, " | ") + "\n")
	for _, row := range r.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = "NULL"
			if v != nil {
				cells[i] = *v
			}
			if cells[i] == "" {
				cells[i] = "''"
			}
		}
		out.WriteString(strings.Join(cells, " | ") + "\n")
	}
	fmt.Fprintf(out, "(%d)\n", len(r.Rows))
}
