package s3

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"stepwell/internal/bus"
)

// TestReservedTags: who may give which tags; the body is there afterwards.
func TestReservedTags(t *testing.T) {
	const set = `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>team</Key><Value>x</Value></Tag><Tag><Key>KEY</Key><Value>y</Value></Tag></TagSet></Tagging>`
	for _, c := range []struct {
		method, url, header, body, source string
		refused                           bool
	}{
		{"PUT", "/b?tagging", "", strings.Replace(set, "KEY", "aws:x", 1), "http", true},
		{"PUT", "/b/k?tagging", "", strings.Replace(set, "KEY", "AWS:x", 1), "http", true},
		{"PUT", "/b?tagging", "", strings.Replace(set, "KEY", "awsome", 1), "http", false},
		{"PUT", "/b?tagging", "", strings.Replace(set, "KEY", "aws:cloudformation:stack-name", 1), "cloudformation", false},
		{"PUT", "/b/k", "a=1&aws%3Ax=2", "data", "http", true},
		{"PUT", "/b/k", "a=1&b=aws:", "data", "http", false},
		{"PUT", "/b?tagging", "", "<Tagging", "http", false},
		{"GET", "/b?tagging", "aws:x=1", "", "http", false},
	} {
		r := httptest.NewRequest(c.method, c.url, strings.NewReader(c.body))
		r.Header.Set("X-Amz-Tagging", c.header)
		r = r.WithContext(bus.With(context.Background(), bus.Caller{Source: c.source}))
		err := reservedTags(r, targetOf(r))
		if (err != nil) != c.refused || err != nil && err.Code != "InvalidTag" {
			t.Errorf("%s %s %s %s: %v", c.method, c.url, c.header, c.body, err)
		}
		if left, _ := io.ReadAll(r.Body); err == nil && string(left) != c.body {
			t.Errorf("%s: the body is %q", c.url, left)
		}
	}
}
