package logs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/paging"
)

// A place between two events of a stream is the key of the event after it. Its
// token is, as AWS's, f/ or b/ with 56 digits: 20 of the time and 36 of the
// index.

func forwardToken(k key) *string  { return new(fmt.Sprintf("f/%020d%036d/s", k.time, k.index)) }
func backwardToken(k key) *string { return new(fmt.Sprintf("b/%020d%036d/s", k.time, k.index)) }

// parseToken reads a token of GetLogEvents.
func parseToken(token string) (k key, forward bool, err error) {
	digits, ok := strings.CutPrefix(token, "f/")
	if forward = ok; !ok {
		digits, ok = strings.CutPrefix(token, "b/")
	}
	digits = strings.TrimSuffix(digits, "/s")
	if !ok || len(digits) != 56 {
		return key{}, false, errToken()
	}
	t, err1 := strconv.ParseInt(digits[:20], 10, 64)
	n, err2 := strconv.ParseInt(digits[20:], 10, 64)
	if err1 != nil || err2 != nil || strings.ContainsAny(digits, "+-") {
		return key{}, false, errToken()
	}
	return key{t, n}, forward, nil
}

// eventID is the id of an event, 56 digits: of its time, stream and index.
func eventID(st *stream, k key) *string {
	return new(fmt.Sprintf("%015d%020d%021d", k.time, st.number(), k.index))
}

// pageSize is how many entries a page has where the request does not say.
const pageSize = 50

// opaque makes a token of a listing's place, and place reads it back into v.
func opaque(v any) *string {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return paging.Token(string(b))
}

func place(token *string, v any) error {
	position, err := paging.Position(token)
	if err == nil && position != "" {
		err = json.Unmarshal([]byte(position), v)
	}
	if err != nil {
		return errToken()
	}
	return nil
}
