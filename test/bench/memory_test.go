package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// memoryLimit is --redshift-memory of the server measured, and memoryBound what
// the whole process may hold at most while files many times as large go through
// it, in MiB: beside DuckDB's buffers there are the rows under way between its
// operators, the program itself and Go's heap.
const (
	memoryLimit = 256
	memoryBound = 768
)

// BenchmarkMemory loads and unloads a file and one four times as large, and
// reports the most memory the server held for each: it must stay below the
// bound, and not grow with the file.
func BenchmarkMemory(b *testing.B) {
	const rows = 900_000 // 190 MB of CSV
	steps := []struct{ name, sql string }{
		{"csv", "COPY reviews FROM 's3://bench/reviews.csv' IAM_ROLE default CSV"},
		{"gzip", "COPY reviews FROM 's3://bench/gzip/' IAM_ROLE default CSV GZIP"},
		{"unload", "UNLOAD ('SELECT * FROM reviews') TO 's3://bench/out/' IAM_ROLE default CSV"},
	}
	for range b.N {
		small := make([]float64, len(steps))
		for _, factor := range []int{1, 4} {
			data := b.TempDir()
			s := startServer(b, data, "--redshift-memory", strconv.Itoa(memoryLimit)+"MiB")
			folder := s.bucket(b, data, "bench")
			input := filepath.Join(folder, "reviews.csv")
			newDuckDB(b).reviewsCSV(rows*factor, input)
			compress(b, input, filepath.Join(folder, "gzip", "reviews.csv.gz"))
			w := dial(b, s.redshift)
			for i, step := range steps {
				if step.name != "unload" {
					w.run(b, "DROP TABLE IF EXISTS reviews; CREATE TABLE reviews ("+reviewColumns+")")
				}
				s.forgetPeak(b)
				w.run(b, step.sql)
				peak := s.peak(b)
				if peak > memoryBound {
					b.Errorf("%s of %d rows: the server held %.0f MiB, the bound is %d", step.name, rows*factor, peak, memoryBound)
				}
				if factor == 1 {
					small[i] = peak
					continue
				}
				b.ReportMetric(peak, "MiB-"+step.name)
				b.ReportMetric(peak/small[i], step.name+"-x-quarter")
			}
			s.kill()
			if err := os.RemoveAll(data); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// compress writes a gzip file.
func compress(b *testing.B, from, to string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		b.Fatal(err)
	}
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		b.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(z, in); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
}

func (s *server) proc(name string) string { return fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, name) }

// forgetPeak lets the kernel measure the most memory anew (proc(5), clear_refs).
func (s *server) forgetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile(s.proc("clear_refs"), []byte("5"), 0); err != nil {
		b.Skip("the peak of a process's memory cannot be told here: ", err)
	}
}

// peak is the most memory the server held since forgetPeak, in MiB.
func (s *server) peak(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(s.proc("status"))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		b.Fatalf("no VmHWM in %s", text)
	}
	kib, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kib) / 1024
}
