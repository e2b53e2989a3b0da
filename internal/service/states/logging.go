package states

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awsapi/logs"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// Execution logs (developer guide, "Using CloudWatch Logs to log execution
// history"): each durable event of an execution whose state machine asks for it
// is one log event. As on AWS they are delivered beside the execution and as
// well as can be; what a dying server has not delivered is not logged.

// Log levels.
const (
	levelAll   = "ALL"
	levelError = "ERROR"
	levelFatal = "FATAL"
	levelOff   = "OFF"
)

// logged reports whether a log of that level has events of type t (the table
// "Log levels" of the guide).
func logged(level string, t exec.EventType) bool {
	kind := string(t)
	fatal := kind == "ExecutionAborted" || kind == "ExecutionFailed" || kind == "ExecutionTimedOut"
	switch level {
	case levelAll:
		return true
	case levelFatal:
		return fatal
	case levelError:
		return fatal || kind == "FailStateEntered" || strings.HasSuffix(kind, "Failed") || strings.HasSuffix(kind, "TimedOut") ||
			strings.HasSuffix(kind, "Aborted")
	}
	return false
}

// logDestination reads the log group of a logging configuration; "" = none.
func logDestination(c *api.LoggingConfiguration) (account, region, group string) {
	if c == nil || value(c.Level) == levelOff || len(c.Destinations) == 0 || c.Destinations[0].CloudWatchLogsLogGroup == nil {
		return "", "", ""
	}
	a, ok := bus.ParseARN(value(c.Destinations[0].CloudWatchLogsLogGroup.LogGroupArn))
	name, found := strings.CutPrefix(strings.TrimSuffix(a.Resource, ":*"), "log-group:")
	if !ok || !found {
		return "", "", ""
	}
	return a.Account, a.Region, name
}

// logEntry is the text of one log event.
type logEntry struct {
	ID           string          `json:"id"`
	Type         exec.EventType  `json:"type"`
	Details      json.RawMessage `json:"details"`
	RedriveCount string          `json:"redrive_count"`
	PreviousID   string          `json:"previous_event_id"`
	Timestamp    string          `json:"event_timestamp"`
	Execution    string          `json:"execution_arn"`
}

// executionData are the members of an event's details that includeExecutionData
// decides about.
var executionData = []string{"input", "inputDetails", "output", "outputDetails", "parameters", "assignedVariables", "assignedVariablesDetails"}

// logText is the log event of e.
func logText(e *exec.Event, execution string, redrives int64, data bool) (string, error) {
	text, err := e.MarshalJSON()
	if err != nil {
		return "", err
	}
	var members, details map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return "", err
	}
	entry := logEntry{
		ID: strconv.FormatInt(e.ID, 10), Type: e.Type, Details: json.RawMessage("{}"), RedriveCount: strconv.FormatInt(redrives, 10),
		PreviousID: strconv.FormatInt(e.PreviousID, 10), Timestamp: strconv.FormatInt(e.Time.UnixMilli(), 10), Execution: execution,
	}
	for name, raw := range members {
		if !strings.HasSuffix(name, "EventDetails") {
			continue
		}
		if err := json.Unmarshal(raw, &details); err != nil {
			return "", err
		}
		if !data {
			for _, member := range executionData {
				delete(details, member)
			}
		}
		if entry.Details, err = marshal(details); err != nil {
			return "", err
		}
	}
	out, err := marshal(entry)
	return string(out), err
}

// logStream is where the log events of one execution go.
type logStream struct{ account, region, group, stream string }

// logQueue delivers log events beside the executions, in order.
type logQueue struct {
	s *Service

	mu      sync.Mutex
	waiting map[logStream][]logs.InputLogEvent
	order   []logStream
	busy    bool // somebody delivers
	running sync.WaitGroup
}

// log queues the events of a commit of l that its logging configuration asks for.
func (s *Service) log(l *liveExecution, events []exec.Event) {
	account, region, group := logDestination(l.logging)
	if group == "" {
		return
	}
	var batch []logs.InputLogEvent
	for i := range events {
		if !logged(value(l.logging.Level), events[i].Type) {
			continue
		}
		text, err := logText(&events[i], l.record.ARN, l.record.Redrives, value(l.logging.IncludeExecutionData))
		if err != nil {
			s.Log.Error("event cannot be logged", "execution", l.record.ARN, "error", err)
			continue
		}
		batch = append(batch, logs.InputLogEvent{Timestamp: new(events[i].Time.UnixMilli()), Message: &text})
	}
	if len(batch) == 0 {
		return
	}
	day := l.record.Start.Format("2006-01-02-15-04")
	id := requestID(&exec.Task{Execution: l.record.ARN}, "log stream")
	to := logStream{account, region, group, "states/" + l.record.Machine + "/" + day + "/" + id[:8]}
	s.logs.add(to, batch)
}

func (q *logQueue) add(to logStream, batch []logs.InputLogEvent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting == nil {
		q.waiting = map[logStream][]logs.InputLogEvent{}
	}
	if _, there := q.waiting[to]; !there {
		q.order = append(q.order, to)
	}
	q.waiting[to] = append(q.waiting[to], batch...)
	if !q.busy {
		q.busy = true
		done := q.s.Clock.Busy()
		q.running.Go(func() {
			defer done()
			q.deliver()
		})
	}
}

func (q *logQueue) take() (to logStream, batch []logs.InputLogEvent, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		q.busy = false
		return to, nil, false
	}
	to, q.order = q.order[0], q.order[1:]
	batch = q.waiting[to]
	delete(q.waiting, to)
	return to, batch, true
}

// deliver sends what waits until nothing does.
func (q *logQueue) deliver() {
	for {
		to, batch, ok := q.take()
		if !ok {
			return
		}
		for len(batch) > 0 {
			part := batch[:batchLength(batch)]
			batch = batch[len(part):]
			if err := q.put(to, part); err != nil {
				q.s.Log.Warn("execution log cannot be delivered", "group", to.group, "error", err)
				break
			}
		}
	}
}

// batchLength is how many of the events one PutLogEvents takes: 10,000 and 1 MiB
// with 26 bytes more for each.
func batchLength(events []logs.InputLogEvent) int {
	size := 0
	for i := range events {
		if size += len(*events[i].Message) + 26; i > 0 && (size > 1<<20 || i == 10000) {
			return i
		}
	}
	return len(events)
}

func (q *logQueue) put(to logStream, events []logs.InputLogEvent) error {
	ctx := bus.With(context.Background(), bus.Caller{
		Account: to.account, Region: to.region, Principal: "delivery.logs.amazonaws.com", Source: "states", RequestID: requestID(&exec.Task{Execution: to.stream}, *events[0].Message),
	})
	in := &logs.PutLogEventsInput{LogGroupName: &to.group, LogStreamName: &to.stream, LogEvents: events}
	_, err := q.s.Bus.Invoke(ctx, "logs", "PutLogEvents", in)
	if e := awserr.From(err); err == nil || e == nil || e.Code != "ResourceNotFoundException" {
		return err
	}
	if _, err := q.s.Bus.Invoke(ctx, "logs", "CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: &to.group, LogStreamName: &to.stream}); err != nil {
		if e := awserr.From(err); e == nil || e.Code != "ResourceAlreadyExistsException" {
			return err
		}
	}
	_, err = q.s.Bus.Invoke(ctx, "logs", "PutLogEvents", in)
	return err
}
