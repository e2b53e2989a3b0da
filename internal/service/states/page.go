package states

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"time"
)

const defaultPage = 100

// pageSize reads a maxResults member: 0 and absent mean the default.
func pageSize(max *int64, def int) int {
	if max == nil || *max == 0 {
		return def
	}
	return int(*max)
}

// pageToken makes an opaque token of a position within the list named by scope.
func pageToken(scope, position string) *string {
	if position == "" {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(scope + "\x00" + position)))
}

// pagePosition opens a token that pageToken made for the same scope.
func pagePosition(scope string, token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	data, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return "", invalidPageToken()
	}
	position, ok := strings.CutPrefix(string(data), scope+"\x00")
	if !ok {
		return "", invalidPageToken()
	}
	return position, nil
}

// inverted writes an instant so that later ones sort first.
func inverted(t time.Time) string { return fmt.Sprintf("%016x", uint64(math.MaxInt64-t.UnixNano())) }

// millis cuts a time to what AWS keeps of it.
func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
