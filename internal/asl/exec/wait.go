package exec

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"stepwell/internal/asl/jsonpath"
)

var timestampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// parseTimestamp reads the timestamps of the language: RFC 3339 with a capital T and Z.
func parseTimestamp(s string) (time.Time, bool) {
	if !timestampForm.MatchString(s) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

func (x *Execution) wait(f *frame) error {
	due, err := x.waitUntil(f)
	if err != nil {
		return err
	}
	if due <= x.now {
		x.finish(f, output{result: f.input})
		return nil
	}
	x.emit(&record{op: opWait, frame: f.id, due: due})
	return nil
}

// waitUntil is when the Wait state ends, in unix milliseconds.
func (x *Execution) waitUntil(f *frame) (int64, error) {
	w := f.state.wait
	switch {
	case w.seconds != nil:
		return x.now + *w.seconds*1000, nil
	case w.timestamp != "":
		t, ok := parseTimestamp(w.timestamp)
		if !ok {
			return 0, runtimeFault("The Timestamp parameter is not a valid ISO-8601 extended offset date-time format string: %s", w.timestamp)
		}
		return t.UnixMilli(), nil
	}
	if f.state.query {
		return x.queryWait(f, w)
	}
	path, name := w.secondsPath, "SecondsPath"
	if path == nil {
		path, name = w.timestampPath, "TimestampPath"
	}
	if path == nil {
		return x.now, nil
	}
	input, err := x.effectiveInput(f)
	if err != nil {
		return 0, err
	}
	v, err := x.scope(f, input).eval(path)
	var missing *jsonpath.NotFound
	if errors.As(err, &missing) {
		return 0, runtimeFault("The %s parameter does not reference an input value: %s", name, path.text)
	}
	if err != nil {
		return 0, x.scope(f, input).fault(err, name, path)
	}
	text := textOf(v)
	if name == "TimestampPath" {
		t, ok := parseTimestamp(text)
		if !ok {
			return 0, runtimeFault("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", path.text, text)
		}
		return t.UnixMilli(), nil
	}
	n, err := waitSeconds(text, path.text)
	return x.now + n*1000, err
}

// waitSeconds is the value of a SecondsPath.
func waitSeconds(text, path string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, runtimeFault("The SecondsPath parameter cannot be parsed as a long value: %s == %s", path, text)
	case n < 0:
		return 0, runtimeFault("The SecondsPath parameter references a negative value: %s == %s", path, text)
	case n > 99999999:
		return 0, runtimeFault("The SecondsPath parameter references a value greater than 99999999: %s == %s", path, text)
	}
	return n, nil
}
