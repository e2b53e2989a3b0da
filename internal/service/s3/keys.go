package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/versity/versitygw/backend/posix"

	"stepwell/internal/awserr"
)

const (
	oddKeys      = `object keys with empty, "." or ".." segments, or below .sgwtmp`
	fullFolders  = `objects with content whose key ends in "/"`
	chunkedNames = "s3:DeleteObjects with a body in the aws-chunked encoding"
)

// plainKey tells whether a key is the name of one file and of no other: a/b
// and a//b are two objects of S3 and one path of a file system. One slash at
// the end makes a folder marker.
func plainKey(key string) bool {
	if key == posix.MetaTmpDir || strings.HasPrefix(key, posix.MetaTmpDir+"/") {
		return false // where the backend keeps unfinished uploads: never listed
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// interceptKey answers requests that name a key which the file system would
// take for another one. Nothing can be stored under such a key, so nothing is
// found there. t.Key is the path decoded once, as S3 does: a%2F%2Fb is a//b.
func (s *Service) interceptKey(r *http.Request, t *target) *awserr.Error {
	if r.Method == http.MethodPost && t.Key == "" && t.Query.Has("delete") {
		return interceptDelete(r, t)
	}
	if t.Key == "" {
		return nil
	}
	if !plainKey(t.Key) {
		return s.oddKey(r, t)
	}
	if r.Method != http.MethodPut {
		return nil
	}
	if source := r.Header.Get("X-Amz-Copy-Source"); source != "" {
		return oddSource(source)
	}
	for name, values := range t.Query { // where presigned requests may have it
		if strings.EqualFold(name, "X-Amz-Copy-Source") && len(values) > 0 {
			return oddSource(values[0])
		}
	}
	return nil
}

func (s *Service) oddKey(r *http.Request, t *target) *awserr.Error {
	if _, err := s.folder(t.Bucket); err != nil {
		if e := awserr.From(err); e != nil {
			return e
		}
	}
	switch {
	case r.Method == http.MethodPut, r.Method == http.MethodPost:
		return awserr.NotImplemented(oddKeys)
	case deletesNothing(r, t), r.Method == http.MethodOptions:
		return nil
	}
	return errNoSuchKey(t.Key)
}

// deletesNothing tells whether a request is a DeleteObject of a key that no
// object can have. It succeeds, as that of any absent object.
func deletesNothing(r *http.Request, t *target) bool {
	return r.Method == http.MethodDelete && t.Bucket != "" && t.Key != "" && !plainKey(t.Key) &&
		!t.Query.Has("tagging") && !t.Query.Has("uploadId")
}

// oddSource checks the object that a copy reads. The header is read as the
// embedded server reads it.
func oddSource(source string) *awserr.Error {
	decoded, err := url.QueryUnescape(strings.TrimPrefix(source, "/"))
	if err != nil {
		return nil // the server has its own words for it
	}
	decoded, _, _ = strings.Cut(decoded, "?versionId=")
	if _, key, _ := strings.Cut(decoded, "/"); key != "" && !plainKey(key) {
		return errNoSuchKey(key)
	}
	return nil
}

// maxDelete bounds the document of DeleteObjects: 1000 keys of 1024 bytes,
// each byte perhaps a character reference.
const maxDelete = 8 << 20

// interceptDelete refuses a DeleteObjects that names such a key, as a whole.
func interceptDelete(r *http.Request, t *target) *awserr.Error {
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return awserr.NotImplemented(chunkedNames)
	}
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDelete+1))
	if err != nil || len(body) > maxDelete {
		return errMalformedXML()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var doc struct{ Object []deleting }
	if len(body) > 0 && xml.Unmarshal(body, &doc) != nil {
		return errMalformedXML()
	}
	for _, o := range doc.Object {
		if o.Key != "" && !plainKey(o.Key) {
			return awserr.NotImplemented(oddKeys)
		}
	}
	t.Deleting = doc.Object
	return nil
}

// amendFolder names what is missing where a folder marker was to have content.
func amendFolder(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err != nil {
		return err
	}
	var doc struct{ Code string }
	if xml.Unmarshal(body, &doc) == nil && doc.Code == "DirectoryObjectContainsData" {
		return awserr.NotImplemented(fullFolders)
	}
	setBody(resp, string(body))
	return nil
}
