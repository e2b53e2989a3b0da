package logs

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// start is the time of the tests' clock, and now the same in milliseconds.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const now = 1767323045000

type fixedIDs struct{ bus.RandomIDs }

type world struct {
	*testing.T
	bus   *bus.Bus
	clock *clock.Manual
}

func setup(t *testing.T) *world {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t, bus.New(), clock.NewManual(start)}
	w.bus.Register(New(Deps{Store: st, Clock: w.clock, IDs: fixedIDs{}, Now: w.clock.Now, Bus: w.bus}).Table())
	return w
}

func call[Out any](w *world, op string, in any) *Out {
	w.Helper()
	out, err := bus.Invoke[Out](w.Context(), w.bus, "logs", op, in)
	if err != nil {
		w.Fatalf("%s: %v", op, err)
	}
	return out
}

func (w *world) stream(group, stream string) {
	w.Helper()
	if _, err := w.bus.Invoke(w.Context(), "logs", "CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: &group}); err != nil && !strings.Contains(err.Error(), "AlreadyExists") {
		w.Fatal(err)
	}
	call[logs.CreateLogStreamOutput](w, "CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
}

// put writes one event for each time; its message is the time and the text.
func (w *world) put(group, stream, text string, times ...int64) *logs.PutLogEventsOutput {
	w.Helper()
	var events []logs.InputLogEvent
	for _, at := range times {
		events = append(events, logs.InputLogEvent{Timestamp: new(now + at), Message: new(fmt.Sprint(at, text))})
	}
	return call[logs.PutLogEventsOutput](w, "PutLogEvents", &logs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: events})
}

func messages(events []logs.OutputLogEvent) string {
	var all []string
	for _, e := range events {
		all = append(all, *e.Message)
	}
	return strings.Join(all, " ")
}

// TestOperations runs the calls in order. want is the answer as JSON or, where
// it begins with a bang, the error.
func TestOperations(t *testing.T) {
	w := setup(t)
	event := func(times ...int64) (events []logs.InputLogEvent) {
		for _, at := range times {
			events = append(events, logs.InputLogEvent{Timestamp: new(now + at), Message: new("m")})
		}
		return events
	}
	g, st := new("/aws/jobs"), new("run-1")
	const arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/jobs"
	cases := []struct {
		op   string
		in   any
		want string
	}{
		{"CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: g, LogStreamName: st}, "!ResourceNotFoundException: The specified log group does not exist."},
		{"CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: g, Tags: map[string]string{"a": "b"}}, "{}"},
		{"CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: g}, "!ResourceAlreadyExistsException: The specified log group already exists"},
		{"PutLogEvents", &logs.PutLogEventsInput{LogGroupName: g, LogStreamName: st, LogEvents: event(0)}, "!ResourceNotFoundException: The specified log stream does not exist."},
		{"CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: g, LogStreamName: st}, "{}"},
		{"CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: g, LogStreamName: st}, "!ResourceAlreadyExistsException: The specified log stream already exists"},
		{"PutLogEvents", &logs.PutLogEventsInput{LogGroupName: g, LogStreamName: st, LogEvents: event(1, 0)}, "!InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order."},
		{"PutLogEvents", &logs.PutLogEventsInput{LogGroupName: g, LogStreamName: st, LogEvents: event(-day, 1)}, "!InvalidParameterException: The batch of log events in a single PutLogEvents request cannot span more than 24 hours."},
		{"PutLogEvents", &logs.PutLogEventsInput{LogGroupName: g, LogStreamName: st, LogEvents: []logs.InputLogEvent{{Timestamp: new(int64(now)), Message: new(strings.Repeat("x", 1<<20-25))}}},
			"!InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576"},
		{"PutRetentionPolicy", &logs.PutRetentionPolicyInput{LogGroupName: g, RetentionInDays: new(int64(2))},
			"!InvalidParameterException: 1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]"},
		{"PutRetentionPolicy", &logs.PutRetentionPolicyInput{LogGroupName: g, RetentionInDays: new(int64(7))}, "{}"},
		{"DescribeLogGroups", &logs.DescribeLogGroupsInput{LogGroupNamePrefix: new("/aws")},
			`{"LogGroups":[{"LogGroupName":"/aws/jobs","CreationTime":1767323045000,"RetentionInDays":7,"MetricFilterCount":0,"Arn":"` + arn + `:*","StoredBytes":0,"LogGroupClass":"STANDARD","LogGroupArn":"` + arn + `","DeletionProtectionEnabled":false}]}`},
		{"DescribeLogGroups", &logs.DescribeLogGroupsInput{LogGroupNamePrefix: new("a"), LogGroupNamePattern: new("b")}, "!InvalidParameterException: LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."},
		{"DescribeLogGroups", &logs.DescribeLogGroupsInput{LogGroupNamePattern: new("Jobs")}, `{"LogGroups":[]}`},
		{"DescribeLogGroups", &logs.DescribeLogGroupsInput{NextToken: new("?")}, "!InvalidParameterException: The specified nextToken is invalid."},
		{"DescribeLogStreams", &logs.DescribeLogStreamsInput{LogGroupName: g, OrderBy: new("LastEventTime"), LogStreamNamePrefix: new("x")}, "!InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix."},
		{"GetLogEvents", &logs.GetLogEventsInput{LogGroupName: g, LogStreamName: st, NextToken: new("f/1/s")}, "!InvalidParameterException: The specified nextToken is invalid."},
		{"GetLogEvents", &logs.GetLogEventsInput{LogGroupName: g, LogStreamName: new("none")}, "!ResourceNotFoundException: The specified log stream does not exist."},
		{"GetLogEvents", &logs.GetLogEventsInput{LogStreamName: st}, "!InvalidParameterException: Either logGroupName or logGroupIdentifier must be specified."},
		{"GetLogEvents", &logs.GetLogEventsInput{LogGroupIdentifier: new(arn + ":*"), LogStreamName: st},
			`{"Events":[],"NextForwardToken":"f/00000000000000000000000000000000000000000000000000000000/s","NextBackwardToken":"b/00000000000000000000000000000000000000000000000000000000/s"}`},
		{"FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"a"}, LogStreamNamePrefix: new("b")}, "!InvalidParameterException: logStreamNamePrefix and logStreamNames are mutually exclusive parameters."},
		{"FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"a"}}, "!ResourceNotFoundException: The specified log stream does not exist."},
		{"FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: g}, `{"Events":[],"SearchedLogStreams":[]}`},
		{"TagResource", &logs.TagResourceInput{ResourceArn: new(arn), Tags: map[string]string{"c": "d"}}, "{}"},
		{"UntagLogGroup", &logs.UntagLogGroupInput{LogGroupName: g, Tags: []string{"a"}}, "{}"},
		{"ListTagsForResource", &logs.ListTagsForResourceInput{ResourceArn: new(arn)}, `{"Tags":{"c":"d"}}`},
		{"DeleteLogStream", &logs.DeleteLogStreamInput{LogGroupName: g, LogStreamName: st}, "{}"},
		{"DeleteLogStream", &logs.DeleteLogStreamInput{LogGroupName: g, LogStreamName: st}, "!ResourceNotFoundException: The specified log stream does not exist."},
		{"DeleteLogGroup", &logs.DeleteLogGroupInput{LogGroupName: g}, "{}"},
		{"DeleteLogGroup", &logs.DeleteLogGroupInput{LogGroupName: g}, "!ResourceNotFoundException: The specified log group does not exist."},
		{"StartQuery", nil, "!NotImplemented: not implemented: logs:StartQuery"},
	}
	for _, c := range cases {
		var got string
		out, err := w.bus.Invoke(t.Context(), "logs", c.op, c.in)
		if err != nil {
			got = "!" + err.Error()
		} else if text, err := json.Marshal(out); err != nil {
			t.Fatal(err)
		} else {
			got = string(text)
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.op, got, c.want)
		}
	}
}

func TestRejected(t *testing.T) {
	w := setup(t)
	w.stream("g", "s")
	for _, c := range []struct {
		times     []int64
		retention int64
		want      string // tooOld, expired, tooNew
		kept      int
	}{
		{[]int64{-1, 0, 1}, 0, "", 3},
		{[]int64{-14*day - 1, -14 * day}, 0, "1 - -", 1},
		{[]int64{0, 2 * hour, 2*hour + 1}, 0, "- - 2", 2},
		{[]int64{-3*day - 2, -3*day - 1, -3 * day}, 3, "- 2 -", 1},
		{[]int64{-15 * day, -15*day + 1}, 3, "2 2 -", 0},
	} {
		if c.retention > 0 {
			call[logs.PutRetentionPolicyOutput](w, "PutRetentionPolicy", &logs.PutRetentionPolicyInput{LogGroupName: new("g"), RetentionInDays: &c.retention})
		}
		before := *call[logs.DescribeLogGroupsOutput](w, "DescribeLogGroups", &logs.DescribeLogGroupsInput{}).LogGroups[0].StoredBytes
		out := w.put("g", "s", "", c.times...)
		show := func(n *int64) string {
			if n == nil {
				return "-"
			}
			return fmt.Sprint(*n)
		}
		got := ""
		if r := out.RejectedLogEventsInfo; r != nil {
			got = show(r.TooOldLogEventEndIndex) + " " + show(r.ExpiredLogEventEndIndex) + " " + show(r.TooNewLogEventStartIndex)
		}
		after := *call[logs.DescribeLogGroupsOutput](w, "DescribeLogGroups", &logs.DescribeLogGroupsInput{}).LogGroups[0].StoredBytes
		if got != c.want || (after == before) != (c.kept == 0) {
			t.Errorf("%v: %q, want %q; %d bytes more", c.times, got, c.want, after-before)
		}
	}
}

func TestGetLogEvents(t *testing.T) {
	for _, disordered := range []bool{false, true} {
		w := setup(t)
		w.stream("g", "s")
		if disordered {
			w.put("g", "s", "", 40, 50)
			w.put("g", "s", "", 10, 20, 30)
		} else {
			w.put("g", "s", "", 10, 20)
			w.put("g", "s", "", 30, 40, 50)
		}
		get := func(in logs.GetLogEventsInput) *logs.GetLogEventsOutput {
			in.LogGroupName, in.LogStreamName = new("g"), new("s")
			return call[logs.GetLogEventsOutput](w, "GetLogEvents", &in)
		}
		for _, c := range []struct {
			in   logs.GetLogEventsInput
			want string
		}{
			{logs.GetLogEventsInput{}, "10 20 30 40 50"},
			{logs.GetLogEventsInput{Limit: new(int64(2))}, "40 50"},
			{logs.GetLogEventsInput{Limit: new(int64(2)), StartFromHead: new(true)}, "10 20"},
			{logs.GetLogEventsInput{StartTime: new(int64(now + 20)), EndTime: new(int64(now + 40))}, "20 30"},
			{logs.GetLogEventsInput{EndTime: new(int64(now + 40)), Limit: new(int64(1))}, "30"},
			{logs.GetLogEventsInput{StartTime: new(int64(now + 21)), Limit: new(int64(1)), StartFromHead: new(true)}, "30"},
			{logs.GetLogEventsInput{StartTime: new(int64(now + 60))}, ""},
		} {
			if got := messages(get(c.in).Events); got != c.want {
				t.Errorf("disordered %v: %q, want %q", disordered, got, c.want)
			}
		}
		// Forward to the end, where the token stays; then what came later; then back.
		page := get(logs.GetLogEventsInput{Limit: new(int64(2)), StartFromHead: new(true)})
		got := messages(page.Events)
		for range 2 {
			page = get(logs.GetLogEventsInput{Limit: new(int64(2)), NextToken: page.NextForwardToken})
			got += "," + messages(page.Events)
		}
		end := get(logs.GetLogEventsInput{NextToken: page.NextForwardToken})
		if *end.NextForwardToken != *page.NextForwardToken || len(end.Events) != 0 {
			t.Errorf("the end is %v, not %v", *end.NextForwardToken, *page.NextForwardToken)
		}
		w.put("g", "s", "", 50, 60)
		page = get(logs.GetLogEventsInput{NextToken: end.NextForwardToken})
		got += "," + messages(page.Events)
		for range 4 {
			page = get(logs.GetLogEventsInput{Limit: new(int64(3)), NextToken: page.NextBackwardToken})
			got += "," + messages(page.Events)
		}
		if want := "10 20,30 40,50,50 60,30 40 50,10 20,,"; got != want {
			t.Errorf("disordered %v: %s, want %s", disordered, got, want)
		}
	}
}

func TestFilterLogEvents(t *testing.T) {
	w := setup(t)
	for _, s := range []string{"a1", "a2", "b"} {
		w.stream("g", s)
	}
	w.put("g", "a1", "x", 10, 20, 20, 30)
	w.put("g", "a2", "y", 20, 25)
	w.put("g", "b", "z", 5, 20, 40)
	w.put("g", "b", "z", 1)
	for _, c := range []struct {
		in   logs.FilterLogEventsInput
		want string
	}{
		{logs.FilterLogEventsInput{}, "1z 5z 10x 20x 20x 20y 20z 25y 30x 40z"},
		{logs.FilterLogEventsInput{LogStreamNamePrefix: new("a")}, "10x 20x 20x 20y 25y 30x"},
		{logs.FilterLogEventsInput{LogStreamNames: []string{"b", "a2", "b"}}, "1z 5z 20y 20z 25y 40z"},
		{logs.FilterLogEventsInput{StartTime: new(int64(now + 20)), EndTime: new(int64(now + 25))}, "20x 20x 20y 20z 25y"},
		{logs.FilterLogEventsInput{FilterPattern: new("?y ?z")}, "1z 5z 20y 20z 25y 40z"},
	} {
		for limit := int64(1); limit <= 11; limit += 2 {
			in, got := c.in, []string{}
			in.LogGroupName, in.Limit = new("g"), &limit
			ids := map[string]bool{}
			for pages := 0; ; pages++ {
				out := call[logs.FilterLogEventsOutput](w, "FilterLogEvents", &in)
				for _, e := range out.Events {
					got = append(got, *e.Message)
					ids[*e.EventId] = true
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
				if pages > 20 {
					t.Fatal("the pages do not end")
				}
			}
			if s := strings.Join(got, " "); s != c.want || len(ids) != len(got) {
				t.Errorf("limit %d: %s, want %s; %d ids", limit, s, c.want, len(ids))
			}
		}
	}
}

func TestDescribeLogStreams(t *testing.T) {
	w := setup(t)
	for _, s := range []string{"a", "b", "b/1", "c"} {
		w.stream("g", s)
	}
	w.put("g", "c", "", 1)
	w.put("g", "a", "", 2)
	w.put("g", "b", "", 2)
	for _, c := range []struct {
		in   logs.DescribeLogStreamsInput
		want string
	}{
		{logs.DescribeLogStreamsInput{}, "a b b/1 c"},
		{logs.DescribeLogStreamsInput{Descending: new(true)}, "c b/1 b a"},
		{logs.DescribeLogStreamsInput{LogStreamNamePrefix: new("b")}, "b b/1"},
		{logs.DescribeLogStreamsInput{OrderBy: new("LastEventTime")}, "b/1 c a b"},
		{logs.DescribeLogStreamsInput{OrderBy: new("LastEventTime"), Descending: new(true)}, "b a c b/1"},
	} {
		for limit := int64(1); limit <= 5; limit++ {
			in, got := c.in, []string{}
			in.LogGroupName, in.Limit = new("g"), &limit
			for {
				out := call[logs.DescribeLogStreamsOutput](w, "DescribeLogStreams", &in)
				for _, s := range out.LogStreams {
					got = append(got, *s.LogStreamName)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("limit %d: %s, want %s", limit, s, c.want)
			}
		}
	}
	out := call[logs.DescribeLogStreamsOutput](w, "DescribeLogStreams", &logs.DescribeLogStreamsInput{LogGroupName: new("g"), Limit: new(int64(1))})
	s := out.LogStreams[0]
	if *s.Arn != "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:a" || *s.FirstEventTimestamp != now+2 || *s.LastEventTimestamp != now+2 || *s.LastIngestionTime != now {
		t.Errorf("%+v", s)
	}
}

// TestVolume writes random batches, in and out of order, and reads them back
// page by page in both directions, from every token.
func TestVolume(t *testing.T) {
	const seed = 1
	for _, disordered := range []bool{false, true} {
		w := setup(t)
		w.stream("g", "s")
		r := rand.New(rand.NewPCG(seed, 2))
		var want []int64
		at := int64(-1_000_000)
		for len(want) < 30_000 {
			var times []int64
			if disordered && r.IntN(4) == 0 {
				at -= 500
			}
			for range 1 + r.IntN(2000) {
				at += r.Int64N(3)
				times = append(times, at)
			}
			w.put("g", "s", " some text", times...)
			want = append(want, times...)
		}
		slices.Sort(want)
		for _, forward := range []bool{true, false} {
			var got []int64
			in := &logs.GetLogEventsInput{LogGroupName: new("g"), LogStreamName: new("s"), StartFromHead: &forward, Limit: new(int64(997))}
			for {
				out := call[logs.GetLogEventsOutput](w, "GetLogEvents", in)
				if len(out.Events) == 0 {
					break
				}
				var page []int64
				for _, e := range out.Events {
					page = append(page, *e.Timestamp-now)
				}
				if in.NextToken = out.NextForwardToken; forward {
					got = append(got, page...)
				} else {
					got, in.NextToken = append(page, got...), out.NextBackwardToken
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("disordered %v, forward %v, seed %d: %d events, want %d", disordered, forward, seed, len(got), len(want))
			}
		}
	}
}

func BenchmarkPutLogEvents(b *testing.B) {
	st, err := store.Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	calls := bus.New()
	calls.Register(New(Deps{Store: st, Clock: clock.NewManual(start), Now: func() time.Time { return start }}).Table())
	invoke := func(op string, in any) {
		if _, err := calls.Invoke(b.Context(), "logs", op, in); err != nil {
			b.Fatal(err)
		}
	}
	invoke("CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: new("g")})
	invoke("CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: new("g"), LogStreamName: new("s")})
	events := make([]logs.InputLogEvent, 1000)
	for i := range events {
		events[i] = logs.InputLogEvent{Timestamp: new(int64(now)), Message: new(strings.Repeat("line ", 16))}
	}
	for b.Loop() {
		invoke("PutLogEvents", &logs.PutLogEventsInput{LogGroupName: new("g"), LogStreamName: new("s"), LogEvents: events})
	}
}
