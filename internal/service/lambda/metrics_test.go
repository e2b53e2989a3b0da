package lambda

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
)

// TestMetrics: what CloudWatch is told of some invocations in one minute.
func TestMetrics(t *testing.T) {
	var got []string
	b := bus.New()
	b.Register(&bus.Service{Name: "monitoring", Model: cloudwatch.Model, Operations: []bus.Operation{
		bus.Op("PutMetricData", func(ctx context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
			for _, d := range in.MetricData {
				line, err := json.Marshal(d)
				if err != nil {
					return nil, err
				}
				got = append(got, bus.From(ctx).Source+" "+bus.From(ctx).Region+" "+*in.Namespace+" "+string(line))
			}
			return &cloudwatch.PutMetricDataOutput{}, nil
		})}})
	c := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC))
	s := New(Deps{Bus: b, Clock: c, Log: slog.New(slog.DiscardHandler)})
	f := ref{scope{"123456789012", "eu-west-1"}, "f", ""}
	s.metrics.invoked(f, false, 1234567*time.Nanosecond)
	s.metrics.invoked(f, true, 1234567*time.Nanosecond)
	s.metrics.throttled(ref{f.scope, "f", "live"})
	s.metrics.close()
	slices.Sort(got)
	datum := func(name, rest string) string {
		return `lambda eu-west-1 AWS/Lambda {"MetricName":"` + name + `",` + rest + `}`
	}
	var want []string
	for of, counts := range map[string]struct{ invoked, throttled bool }{
		``: {true, true},
		`"Dimensions":[{"Name":"FunctionName","Value":"f"}],`:                                      {true, true},
		`"Dimensions":[{"Name":"FunctionName","Value":"f"},{"Name":"Resource","Value":"f"}],`:      {true, false},
		`"Dimensions":[{"Name":"FunctionName","Value":"f"},{"Name":"Resource","Value":"f:live"}],`: {false, true},
	} {
		at := of + `"Timestamp":"2026-03-01T12:00:00Z",`
		if counts.invoked {
			want = append(want, datum("Invocations", at+`"Values":[1],"Counts":[2],"Unit":"Count"`), datum("Errors", at+`"Values":[1],"Counts":[1],"Unit":"Count"`),
				datum("Errors", at+`"Values":[0],"Counts":[1],"Unit":"Count"`), datum("Throttles", at+`"Values":[0],"Counts":[2],"Unit":"Count"`),
				datum("Duration", at+`"Values":[1.23],"Counts":[2],"Unit":"Milliseconds"`))
		}
		if counts.throttled {
			want = append(want, datum("Throttles", at+`"Values":[1],"Counts":[1],"Unit":"Count"`))
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
