package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/awsapi"
)

// settle returns the value behind a pointer, allocating it; other values are
// returned as they are. Members are pointers, elements of lists are not.
func settle(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

func setString(v reflect.Value, s string) {
	switch p := v.Addr().Interface().(type) {
	case **string:
		*p = &s
	case *string:
		*p = s
	default:
		settle(v).SetString(s)
	}
}

// absent says that a member has no value.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	}
	return false
}

// direct is the value behind a pointer that is not nil.
func direct(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return v
}

// setText sets a scalar from its text form, as query, XML, headers, labels and
// query strings carry it.
func setText(v reflect.Value, s *awsapi.Shape, text string, format awsapi.TimestampFormat) error {
	switch s.Kind {
	case awsapi.String:
		setString(v, text)
	case awsapi.Boolean:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return fmt.Errorf("%q is no boolean", text)
		}
		settle(v).SetBool(b)
	case awsapi.Integer, awsapi.Long:
		bits := 64
		if s.Kind == awsapi.Integer {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return fmt.Errorf("%q is no integer of %d bits", text, bits)
		}
		settle(v).SetInt(n)
	case awsapi.Float, awsapi.Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", text)
		}
		settle(v).SetFloat(f)
	case awsapi.Timestamp:
		t, err := parseTime(text, format)
		if err != nil {
			return err
		}
		settle(v).Set(reflect.ValueOf(t))
	case awsapi.Blob:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("%q is not base64", text)
		}
		v.SetBytes(b)
	default:
		return fmt.Errorf("%s is no scalar", s.Name)
	}
	return nil
}

// text is the text form of a scalar.
func text(v reflect.Value, s *awsapi.Shape, format awsapi.TimestampFormat) string {
	v = direct(v)
	switch s.Kind {
	case awsapi.String:
		return v.String()
	case awsapi.Boolean:
		return strconv.FormatBool(v.Bool())
	case awsapi.Integer, awsapi.Long:
		return strconv.FormatInt(v.Int(), 10)
	case awsapi.Float, awsapi.Double:
		return formatFloat(v.Float())
	case awsapi.Timestamp:
		return formatTime(v.Interface().(time.Time), format)
	case awsapi.Blob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case awsapi.Document:
		b, _ := json.Marshal(v.Interface()) // a value decoded from JSON
		return string(b)
	}
	return ""
}

func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// timestampFormat picks the format of a timestamp: the member's, the shape's,
// the default of the place.
func timestampFormat(m *awsapi.Member, s *awsapi.Shape, def awsapi.TimestampFormat) awsapi.TimestampFormat {
	if m != nil && m.Format != awsapi.DefaultFormat {
		return m.Format
	}
	if s.Format != awsapi.DefaultFormat {
		return s.Format
	}
	return def
}

const isoMillis = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time, f awsapi.TimestampFormat) string {
	t = t.UTC()
	switch f {
	case awsapi.RFC822:
		return t.Format("Mon, 02 Jan 2006 15:04:05 GMT")
	case awsapi.UnixTimestamp:
		return string(appendEpoch(nil, t))
	}
	return t.Format(isoMillis)
}

// appendEpoch writes seconds since 1970 with up to three decimals.
func appendEpoch(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms%1000 != 0 {
		b = append(b, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return b
}

var isoForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02"}

var rfc822Forms = []string{"Mon, 02 Jan 2006 15:04:05.999 GMT", time.RFC1123, time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC}

// parseTime accepts a timestamp in the format that is due and, as AWS does, in
// the others.
func parseTime(text string, due awsapi.TimestampFormat) (time.Time, error) {
	text = strings.TrimSpace(text)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return epoch(f)
	}
	forms := [][]string{isoForms, rfc822Forms}
	if due == awsapi.RFC822 {
		forms[0], forms[1] = forms[1], forms[0]
	}
	for _, list := range forms {
		for _, form := range list {
			if t, err := time.Parse(form, text); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is no timestamp", text)
}

// epoch turns seconds since 1970 into a time, to the microsecond, which is what
// a double holds for present times.
func epoch(f float64) (time.Time, error) {
	const limit = 253402300800 // the year 10000
	if math.IsNaN(f) || f < -limit || f >= limit {
		return time.Time{}, fmt.Errorf("%v is no timestamp", f)
	}
	return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), nil
}
