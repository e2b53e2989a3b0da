// Package bench measures the program as a whole.
package bench

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var program = flag.String("stepwell", "", "the program under test; without it the benchmark is skipped")

// Aims for a server that has answered no SQL yet.
const (
	startupAim = 300 * time.Millisecond
	memoryAim  = 100.0 // MiB
)

// BenchmarkStartup starts the server, in a new folder and in one it has used,
// until its health page answers, and prints the median beside the aim.
func BenchmarkStartup(b *testing.B) {
	if *program == "" {
		b.Skip("no -stepwell: run make bench")
	}
	const runs = 7
	data := b.TempDir()
	var times []time.Duration
	var memory float64
	for range b.N {
		times = times[:0]
		for range runs {
			took, rss := startOnce(b, data)
			times, memory = append(times, took), max(memory, rss)
		}
	}
	slices.Sort(times)
	median := times[len(times)/2]
	b.ReportMetric(float64(median.Milliseconds()), "ms-to-healthy")
	b.ReportMetric(float64(median)/float64(startupAim), "of-300ms")
	b.ReportMetric(memory, "MiB-resident")
	b.ReportMetric(memory/memoryAim, "of-100MiB")
}

func startOnce(b *testing.B, data string) (took time.Duration, mib float64) {
	b.Helper()
	cmd := exec.Command(*program, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--redshift", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatal("the server said nothing")
	}
	endpoint := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "AWS endpoint"))
	for {
		res, err := http.Get(endpoint + "/_stepwell/health")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
	}
	return time.Since(began), resident(b, cmd.Process.Pid)
}

// resident reads VmRSS of a process, in MiB.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("memory is only measured on Linux")
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
