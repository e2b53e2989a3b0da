package exec

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

func mustCompile(tb testing.TB, text string) *Machine {
	m, problems := Compile(text, Options{})
	if m == nil {
		tb.Fatalf("cannot compile: %v\n%s", problems, text)
	}
	return m
}

var benchTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// BenchmarkPass runs machines of ten Pass states; it reports states per second.
func BenchmarkPass(b *testing.B) {
	var states []string
	for i := range 10 {
		next := fmt.Sprintf(`"Next":"P%d"`, i+1)
		if i == 9 {
			next = `"End":true`
		}
		states = append(states, fmt.Sprintf(`"P%d":{"Type":"Pass",%s}`, i, next))
	}
	m := mustCompile(b, `{"StartAt":"P0","States":{`+strings.Join(states, ",")+`}}`)
	info := recordedInfo(`{"a":1,"b":"text"}`, benchTime)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(m, info, Env{}).Advance(Start{benchTime}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(10*b.N)/b.Elapsed().Seconds(), "states/s")
}

const loopMachine = `{"StartAt":"Init","States":{
	"Init":{"Type":"Pass","Result":{"n":0},"Next":"More"},
	"More":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericLessThan":1000,"Next":"Add"}],"Default":"Done"},
	"Add":{"Type":"Pass","Parameters":{"n.$":"States.MathAdd($.n, 1)"},"Next":"More"},
	"Done":{"Type":"Succeed"}}}`

// BenchmarkChoiceLoop turns a Choice loop with an intrinsic function 1,000 times.
func BenchmarkChoiceLoop(b *testing.B) {
	m := mustCompile(b, loopMachine)
	info := recordedInfo(`{}`, benchTime)
	b.ReportAllocs()
	for b.Loop() {
		x := New(m, info, Env{})
		step, err := x.Advance(Start{benchTime})
		for err == nil && step.More {
			step, err = x.Advance(Continue{benchTime})
		}
		if err != nil || step.End == nil || step.End.Status != Succeeded {
			b.Fatal(err, step.End)
		}
	}
}

// BenchmarkInlineMap maps 10,000 items through two Pass states (Express).
func BenchmarkInlineMap(b *testing.B) {
	m := mustCompile(b, `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"A","States":{
		"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","End":true}}}}}}`)
	info := recordedInfo("["+strings.TrimSuffix(strings.Repeat("1,", 10000), ",")+"]", benchTime)
	info.Express = true
	b.ReportAllocs()
	for b.Loop() {
		x := New(m, info, Env{})
		step, err := x.Advance(Start{benchTime})
		for err == nil && step.More {
			step, err = x.Advance(Continue{benchTime})
		}
		if err != nil || step.End == nil || step.End.Status != Succeeded {
			b.Fatal(err, step.End)
		}
	}
}

// BenchmarkWaiting measures what an execution in a Wait state holds in memory,
// and how fast it is restored from its journal.
func BenchmarkWaiting(b *testing.B) {
	m := mustCompile(b, `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}`)
	info := recordedInfo(`{"a":1,"b":"text"}`, benchTime)
	step, err := New(m, info, Env{}).Advance(Start{benchTime})
	if err != nil {
		b.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := make([]*Execution, b.N)
	b.ResetTimer()
	for i := range b.N {
		kept[i], err = Restore(m, info, Env{}, [][]byte{append([]byte(nil), step.Journal...)})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "bytes/execution")
	runtime.KeepAlive(kept)
}
