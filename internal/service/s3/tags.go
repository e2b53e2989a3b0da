package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// reservedTags refuses tags of objects and buckets that only AWS gives.
func reservedTags(r *http.Request, t *target) *awserr.Error {
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		return nil
	}
	c := bus.From(r.Context())
	given, _ := url.ParseQuery(r.Header.Get("X-Amz-Tagging")) // what cannot be read is refused later
	for key := range given {
		if c.ReservedTag(key) {
			return errSystemTag()
		}
	}
	if r.Method != http.MethodPut || !t.Query.Has("tagging") {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDocument))
	if err != nil {
		return errMalformedXML()
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	var doc struct {
		Keys []string `xml:"TagSet>Tag>Key"`
	}
	if xml.Unmarshal(body, &doc) != nil {
		return nil // the same
	}
	for _, key := range doc.Keys {
		if c.ReservedTag(key) {
			return errSystemTag()
		}
	}
	return nil
}

func errSystemTag() *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidTag", "System tags cannot be added/updated by requester")
}
