package exec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
)

// TestTrial runs one state and prints the verdict and the data it inspected:
//
//	state: or machine: with name:; input:, variables:, context:
//	mock: ok JSON | fail ERROR CAUSE
//	retries: N, failed: N
func TestTrial(t *testing.T) {
	datatest.Run(t, "testdata/trial/*.txt", func(t *testing.T, c *datatest.Case) string {
		text := c.Args["machine"]
		if text == "" {
			text = c.Args["state"]
		}
		m, name, problems := CompileState(text, c.Args["name"], Options{})
		if m == nil {
			return refusal(problems)
		}
		trial := &Trial{Machine: m, State: name, Info: recordedInfo(c.Args["input"], time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
			Context: optionalText(c.Args["context"]), Variables: optionalText(c.Args["variables"])}
		words := strings.SplitN(c.Args["mock"], " ", 3)
		switch words[0] {
		case "ok":
			trial.Mock = &Mock{Result: json.RawMessage(strings.Join(words[1:], " "))}
		case "fail":
			trial.Mock = &Mock{Failed: true, Error: &words[1], Cause: new(strings.Join(words[2:], " "))}
		}
		fmt.Sscan(c.Args["retries"], &trial.RetryCount)
		fmt.Sscan(c.Args["failed"], &trial.FailedIterations)
		return printVerdict(trial.Run())
	})
}

func optionalText(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

func printVerdict(v Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", v.Status, v.Output)
	if v.Next != "" {
		fmt.Fprintf(&b, " -> %s", v.Next)
	}
	for _, s := range []*string{v.Error, v.Cause} {
		if s != nil {
			fmt.Fprintf(&b, " | %s", *s)
		}
	}
	b.WriteByte('\n')
	d := v.Inspection
	for _, m := range []struct {
		name string
		text json.RawMessage
	}{{"input path", d.AfterInputPath}, {"parameters", d.AfterParameters}, {"arguments", d.AfterArguments}, {"items path", d.AfterItemsPath},
		{"result", d.Result}, {"result selector", d.AfterResultSelector}, {"result path", d.AfterResultPath}} {
		if m.text != nil {
			fmt.Fprintf(&b, "after %s: %s\n", m.name, m.text)
		}
	}
	for _, n := range []struct {
		name string
		n    *int64
	}{{"concurrency", d.MaxConcurrency}, {"tolerated", d.ToleratedCount}, {"retry", d.RetryIndex}, {"catch", d.CatchIndex}, {"backoff", d.Backoff}} {
		if n.n != nil {
			fmt.Fprintf(&b, "%s: %d\n", n.name, *n.n)
		}
	}
	return b.String()
}
