package states

import (
	"fmt"
	"math"
	"strings"
	"time"

	"stepwell/internal/paging"
)

const defaultPage = 100

// pageToken makes an opaque token of a position within the list named by scope.
func pageToken(scope, position string) *string {
	if position == "" {
		return nil
	}
	return paging.Token(scope + "\x00" + position)
}

// pagePosition opens a token that pageToken made for the same scope.
func pagePosition(scope string, token *string) (string, error) {
	text, err := paging.Position(token)
	if err != nil {
		return "", invalidPageToken()
	}
	if text == "" {
		return "", nil
	}
	position, ok := strings.CutPrefix(text, scope+"\x00")
	if !ok {
		return "", invalidPageToken()
	}
	return position, nil
}

// inverted writes an instant so that later ones sort first.
func inverted(t time.Time) string { return fmt.Sprintf("%016x", uint64(math.MaxInt64-t.UnixNano())) }

// millis cuts a time to what AWS keeps of it.
func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
