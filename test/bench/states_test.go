package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func passes(n int) string {
	var text strings.Builder
	for i := range n - 1 {
		fmt.Fprintf(&text, `"P%d": {"Type": "Pass", "Next": "P%d"}, `, i, i+1)
	}
	return fmt.Sprintf(`{"StartAt": "P0", "States": {%s"P%d": {"Type": "Pass", "End": true}}}`, text.String(), n-1)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// throughput calls f from several clients for a time and returns calls a second.
func throughput(b *testing.B, clients int, f func() error) float64 {
	b.Helper()
	const span = time.Second
	began := time.Now()
	calls := make([]int, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for time.Since(began) < span {
				if err := f(); err != nil {
					b.Error(err)
					return
				}
				calls[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range calls {
		total += n
	}
	return float64(total) / time.Since(began).Seconds()
}

// median is the median time of n calls, one after the other.
func median(b *testing.B, n int, f func() error) time.Duration {
	b.Helper()
	times := make([]time.Duration, n)
	for i := range times {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[n/2]
}

// BenchmarkStartSync calls a one-Pass Express machine in turn with an echo of
// the same request. Aims: 0.4 of the echo's throughput, a median under 1 ms.
func BenchmarkStartSync(b *testing.B) {
	s := startServer(b, b.TempDir())
	c, limit := newClient(s), newClient(startEcho(b))
	in := fmt.Sprintf(`{"stateMachineArn": %q, "input": "{\"a\": 1}"}`, c.machine(b, "one", "EXPRESS", passes(1)))
	start := func() error { _, err := c.post("StartSyncExecution", in); return err }
	echo := func() error { _, err := limit.post("StartSyncExecution", in); return err }
	var rates, limits, shares []float64
	for range b.N {
		for range 5 {
			limits = append(limits, throughput(b, 16, echo))
			rates = append(rates, throughput(b, 16, start))
			shares = append(shares, rates[len(rates)-1]/limits[len(limits)-1])
		}
	}
	for _, list := range [][]float64{rates, limits, shares} {
		slices.Sort(list)
	}
	b.ReportMetric(rates[len(rates)/2], "starts/s")
	b.ReportMetric(limits[len(limits)/2], "echoes/s")
	b.ReportMetric(shares[len(shares)/2], "of-echo")
	b.ReportMetric(milliseconds(median(b, 2000, start)), "ms-p50")
	b.ReportMetric(milliseconds(median(b, 2000, echo)), "ms-p50-echo")
}

// startMany starts n executions from some clients. An execution counts when its
// start was acknowledged, hence is durable.
func startMany(b *testing.B, c *client, machine string, n, clients int) {
	b.Helper()
	in := fmt.Sprintf(`{"stateMachineArn": %q, "input": "{\"a\": 1}"}`, machine)
	work := make(chan struct{}, n)
	for range n {
		work <- struct{}{}
	}
	close(work)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range work {
				if _, err := c.post("StartExecution", in); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkStandard starts 1,000 ten-Pass Standard executions from 16 clients
// and waits for all to be SUCCEEDED, which they are once their ends are
// durable. Aim: 3,000 executions a second.
func BenchmarkStandard(b *testing.B) {
	data := b.TempDir()
	c := newClient(startServer(b, data))
	const executions, rounds = 1000, 7
	var rates []float64
	for round := range b.N * rounds {
		machine := c.machine(b, fmt.Sprintf("ten%d", round), "STANDARD", passes(10))
		began := time.Now()
		startMany(b, c, machine, executions, 16)
		for c.count(b, machine, "RUNNING") > 0 {
			time.Sleep(time.Millisecond)
		}
		rates = append(rates, executions/time.Since(began).Seconds())
		if n := c.count(b, machine, "SUCCEEDED"); n != executions {
			b.Fatalf("%d executions SUCCEEDED, want %d", n, executions)
		}
	}
	slices.Sort(rates)
	syncs := fsyncs(b, data)
	b.ReportMetric(rates[len(rates)/2], "executions/s")
	b.ReportMetric(rates[len(rates)-1], "executions/s-best")
	b.ReportMetric(syncs, "fsyncs/s")
	b.ReportMetric(rates[len(rates)/2]/syncs, "executions/fsync")
}

// BenchmarkInlineMap maps 10,000 items through two Pass states (Express). Aim: 1 s.
func BenchmarkInlineMap(b *testing.B) {
	c := newClient(startServer(b, b.TempDir()))
	machine := c.machine(b, "map", "EXPRESS", `{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "A", "States": {
		"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": true}}}}}}`)
	items := "[" + strings.TrimSuffix(strings.Repeat("1,", 10000), ",") + "]"
	in := fmt.Sprintf(`{"stateMachineArn": %q, "input": %q}`, machine, items)
	took := median(b, 5*b.N, func() error { return succeeded(c.post("StartSyncExecution", in)) })
	b.ReportMetric(milliseconds(took), "ms")
}

func succeeded(answer []byte, err error) error {
	if err == nil && !bytes.Contains(answer, []byte(`"status":"SUCCEEDED"`)) {
		err = fmt.Errorf("the execution did not succeed: %s", answer)
	}
	return err
}

// BenchmarkChoiceLoop turns a Choice loop with an intrinsic function 1,000
// times, as a Standard and as an Express execution. Aim: 100 ms.
func BenchmarkChoiceLoop(b *testing.B) {
	c := newClient(startServer(b, b.TempDir()))
	const loop = `{"StartAt": "Init", "States": {
		"Init": {"Type": "Pass", "Result": {"n": 0}, "Next": "More"},
		"More": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 1000, "Next": "Add"}], "Default": "Done"},
		"Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More"},
		"Done": {"Type": "Succeed"}}}`
	in := fmt.Sprintf(`{"stateMachineArn": %q}`, c.machine(b, "loop-express", "EXPRESS", loop))
	express := median(b, 9*b.N, func() error { return succeeded(c.post("StartSyncExecution", in)) })
	machine := c.machine(b, "loop", "STANDARD", loop)
	standard := median(b, 9*b.N, func() error {
		if status := c.finish(b, c.start(b, machine, "{}")); status != "SUCCEEDED" {
			return fmt.Errorf("the execution is %s", status)
		}
		return nil
	})
	b.ReportMetric(milliseconds(standard), "ms-standard")
	b.ReportMetric(milliseconds(express), "ms-express")
}

// BenchmarkDistributedMap reads a CSV of 1,000,000 lines from S3 in batches of
// 1,000, passes each through a child execution and writes all results to S3.
// Aims: 20 s and 512 MiB.
func BenchmarkDistributedMap(b *testing.B) {
	s := startServer(b, b.TempDir())
	c := newClient(s)
	upload(b, c)
	machine := c.machine(b, "wide", "STANDARD", `{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "Label": "wide",
		"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
			"Parameters": {"Bucket": "bench", "Key": "lines.csv"}},
		"ItemBatcher": {"MaxItemsPerBatch": 1000},
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P",
			"States": {"P": {"Type": "Pass", "End": true}}},
		"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bench", "Prefix": "out"}}}}}`)
	var times []time.Duration
	var memory float64
	for range b.N {
		s.forgetPeak(b)
		began := time.Now()
		execution := c.start(b, machine, "{}")
		if status := c.finish(b, execution); status != "SUCCEEDED" {
			b.Fatalf("the execution is %s", status)
		}
		times = append(times, time.Since(began))
		memory = max(memory, s.peak(b))
	}
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2].Seconds(), "s")
	b.ReportMetric(memory, "MiB-resident")
}

// upload puts a CSV of 1,000,000 lines into the bucket bench.
func upload(b *testing.B, c *client) {
	b.Helper()
	var text bytes.Buffer
	text.WriteString("id,name,amount\n")
	for i := range 1000000 {
		fmt.Fprintf(&text, "%d,customer %d,%d.%02d\n", i, i%1000, i%977, i%100)
	}
	for _, put := range []struct {
		path string
		body []byte
	}{{"/bench", nil}, {"/bench/lines.csv", text.Bytes()}} {
		req, err := http.NewRequest(http.MethodPut, c.endpoint+put.path, bytes.NewReader(put.body))
		if err == nil {
			_, err = c.do(req)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWaiting lets 100,000 executions sit in a Wait state, kills the
// server and starts it again. Aims: 1 GiB, 10 s.
func BenchmarkWaiting(b *testing.B) {
	const executions, brief = 100000, 10
	data := b.TempDir()
	for range b.N {
		s := startServer(b, data)
		c := newClient(s)
		machine := c.machine(b, "wait", "STANDARD", `{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 36000, "End": true}}}`)
		began := time.Now()
		startMany(b, c, machine, executions, 32)
		b.ReportMetric(executions/time.Since(began).Seconds(), "starts/s")
		// These must be woken by the next server.
		soon := c.machine(b, "soon", "STANDARD", `{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": true}}}`)
		startMany(b, c, soon, brief, 1)
		before := resident(b, s.cmd.Process.Pid)
		s.kill()
		began = time.Now()
		s = startServer(b, data)
		took := time.Since(began)
		c = newClient(s)
		after := resident(b, s.cmd.Process.Pid)
		if n := c.count(b, machine, "RUNNING"); n != executions {
			b.Fatalf("%d executions are RUNNING after the restart, want %d", n, executions)
		}
		for c.count(b, soon, "SUCCEEDED") < brief {
			if time.Since(began) > time.Minute {
				b.Fatal("executions were not woken after the restart")
			}
			time.Sleep(10 * time.Millisecond)
		}
		b.ReportMetric(before, "MiB-resident")
		b.ReportMetric(after, "MiB-resident-restarted")
		b.ReportMetric(took.Seconds(), "s-to-healthy")
		s.kill()
		if err := os.RemoveAll(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHistory reads a history of 25,000 events page by page, for the first
// time and again. Aim: 300 ms.
func BenchmarkHistory(b *testing.B) {
	c := newClient(startServer(b, b.TempDir()))
	// Fails when its history is full.
	machine := c.machine(b, "endless", "STANDARD", `{"StartAt": "A", "States": {
		"A": {"Type": "Pass", "Next": "B"}, "C": {"Type": "Succeed"},
		"B": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "A"}], "Default": "C"}}}`)
	read := func(execution string) time.Duration {
		began := time.Now()
		events, next := 0, ""
		for {
			in := fmt.Sprintf(`{"executionArn": %q, "maxResults": 1000%s}`, execution, next)
			page, err := c.post("GetExecutionHistory", in)
			if err != nil {
				b.Fatal(err)
			}
			events += bytes.Count(page, []byte(`"previousEventId"`))
			_, rest, more := bytes.Cut(page, []byte(`"nextToken":`))
			if !more {
				break
			}
			next = `, "nextToken": ` + string(rest[:bytes.IndexByte(rest[1:], '"')+2])
		}
		if events != 25000 {
			b.Fatalf("read %d events, want 25000", events)
		}
		return time.Since(began)
	}
	var first, again []time.Duration
	for range 5 * b.N {
		execution := c.start(b, machine, `{"a": 1, "b": "some text"}`)
		c.finish(b, execution)
		first, again = append(first, read(execution)), append(again, read(execution))
	}
	slices.Sort(first)
	slices.Sort(again)
	b.ReportMetric(milliseconds(first[len(first)/2]), "ms-first")
	b.ReportMetric(milliseconds(again[len(again)/2]), "ms-again")
}
