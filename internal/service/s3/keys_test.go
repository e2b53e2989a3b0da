package s3

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
)

// neighbours are objects that odd keys would fall on, in key order.
var neighbours = []string{"a/b", "dot/x", "lead", "x"}

// kept checks that the neighbours, and nothing else, are as they were put.
func kept(t *testing.T, bucket string) {
	t.Helper()
	if got, want := keysOf(t, bucket, ""), strings.Join(neighbours, " "); got != want {
		t.Errorf("objects %s, want %s", got, want)
	}
	for _, key := range neighbours {
		path, err := service.Path(t.Context(), bucket, key)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "kept" {
			t.Errorf("%s is %q, %v", key, data, err)
		}
	}
}

func keysOf(t *testing.T, bucket, prefix string) string {
	t.Helper()
	list := must[s3.ListObjectsV2Output](t, "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, *o.Key)
	}
	return strings.Join(keys, " ")
}

func putNeighbours(t *testing.T, bucket string) {
	for _, key := range neighbours {
		put(t, bucket, key, "kept")
	}
}

func TestOddKeysHTTP(t *testing.T) {
	bucket := newBucket(t)
	putNeighbours(t, bucket)
	send := func(method, host, path, body string, headers ...string) (int, string) {
		r, err := http.NewRequest(method, door.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	odd := []string{"a//b", "/lead", "dot/./x", "dd/../x", "../x", "a/..", "..", ".", "/", "t//", "./x",
		"a%2F%2Fb", "%2Flead", "dot/%2E/x", "dd/%2e%2e/x", "dd%2F..%2Fx", "..%2Fx", ".sgwtmp/x", ".sgwtmp", "../" + bucket + "/x"}
	for _, key := range odd {
		for _, style := range []struct{ host, path string }{
			{"", "/" + bucket + "/" + key},
			{bucket + ".s3.amazonaws.com", "/" + key},
		} {
			for _, c := range []struct {
				method, query, body string
				status              int
				want                string
			}{
				{"PUT", "", "lost", 501, "<Code>NotImplemented</Code><Message>not implemented: object keys with empty, "},
				{"PUT", "?partNumber=1&uploadId=1", "lost", 501, "<Code>NotImplemented</Code>"},
				{"POST", "?uploads", "", 501, "<Code>NotImplemented</Code>"},
				{"GET", "", "", 404, "<Code>NoSuchKey</Code>"},
				{"HEAD", "", "", 404, ""},
				{"GET", "?tagging", "", 404, "<Code>NoSuchKey</Code>"},
				{"DELETE", "?tagging", "", 404, "<Code>NoSuchKey</Code>"},
				{"DELETE", "", "", 204, ""},
			} {
				status, text := send(c.method, style.host, style.path+c.query, c.body)
				if status != c.status || !strings.Contains(text, c.want) {
					t.Errorf("%s %s%s%s: %d %s, want %d %s", c.method, style.host, style.path, c.query, status, text, c.status, c.want)
				}
			}
			if status, _ := send("PUT", style.host, style.path, "", "X-Amz-Copy-Source", bucket+"/x"); status != 501 {
				t.Errorf("copy to %s: %d", style.path, status)
			}
		}
		if status, text := send("PUT", "", "/"+bucket+"/copy", "", "X-Amz-Copy-Source", "/"+bucket+"/"+key); status != 404 || !strings.Contains(text, "NoSuchKey") {
			t.Errorf("copy from %s: %d %s", key, status, text)
		}
		if status, _ := send("PUT", "", "/"+bucket+"/copy?X-Amz-Signature=0&x-amz-copy-source="+url.QueryEscape(bucket+"/"+key), ""); status != 404 {
			t.Errorf("presigned copy from %s: %d", key, status)
		}
		if status, text := send("PUT", "", "/odd-none/"+key, "x"); status != 404 || !strings.Contains(text, "NoSuchBucket") {
			t.Errorf("%s in no bucket: %d %s", key, status, text)
		}
	}
	status, text := send("POST", "", "/"+bucket+"?delete", "<Delete><Object><Key>lead</Key></Object><Object><Key>a//b</Key></Object></Delete>")
	if status != 501 || !strings.Contains(text, "object keys with empty") {
		t.Errorf("DeleteObjects: %d %s", status, text)
	}
	kept(t, bucket)
	for _, c := range []struct {
		key, body string
		status    int
		want      string
	}{
		{"t/", "", 200, ""},
		{"t/", "content", 501, "<Code>NotImplemented</Code><Message>not implemented: objects with content whose key ends in"},
		{"a..b/.c/...", "1", 200, ""},
		{"p%252F%252Fq", "2", 200, ""},
	} {
		if status, text := send("PUT", "", "/"+bucket+"/"+c.key, c.body); status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("PUT %s: %d %s, want %d %s", c.key, status, text, c.status, c.want)
		}
	}
	if got := keysOf(t, bucket, ""); got != "a..b/.c/... a/b dot/x lead p%2F%2Fq t/ x" {
		t.Error(got)
	}
	for _, prefix := range []string{"a//", "dot/./", "/", "dd/../"} {
		if got := keysOf(t, bucket, prefix); got != "" {
			t.Errorf("prefix %s lists %s", prefix, got)
		}
	}
}

func TestOddKeysInside(t *testing.T) {
	bucket := newBucket(t)
	putNeighbours(t, bucket)
	dir, err := service.TempDir(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a//b", "/lead", "dot/./x", "dd/../x", "../x", "a/..", "/", "t//"} {
		for _, c := range []struct {
			op   string
			in   any
			code string
		}{
			{"PutObject", &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: io.NopCloser(strings.NewReader("lost"))}, "NotImplemented"},
			{"CopyObject", &s3.CopyObjectInput{Bucket: &bucket, Key: &key, CopySource: new(bucket + "/x")}, "NotImplemented"},
			{"CopyObject", &s3.CopyObjectInput{Bucket: &bucket, Key: new("copy"), CopySource: new(bucket + "/" + key)}, "NoSuchKey"},
			{"CreateMultipartUpload", &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key}, "NotImplemented"},
			{"GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: &key}, "NoSuchKey"},
			{"DeleteObject", &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}, ""},
			{"DeleteObjects", &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &s3.Delete{Objects: []s3.ObjectIdentifier{{Key: &key}}}}, "NotImplemented"},
		} {
			_, err := calls.Invoke(t.Context(), "s3", c.op, c.in)
			if e := awserr.From(err); (err == nil) != (c.code == "") || err != nil && (e == nil || e.Code != c.code) {
				t.Errorf("%s %s: %v, want %q", c.op, key, err, c.code)
			}
		}
		if _, err := service.Path(t.Context(), bucket, key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Path %s: %v", key, err)
		}
		file := filepath.Join(dir, "odd")
		if err := os.WriteFile(file, []byte("lost"), 0o600); err != nil {
			t.Fatal(err)
		}
		if e := awserr.From(service.Publish(t.Context(), bucket, key, file)); e == nil || e.Code != "NotImplemented" {
			t.Errorf("Publish %s: %v", key, e)
		}
		if err := service.Delete(t.Context(), bucket, key); err != nil {
			t.Errorf("Delete %s: %v", key, err)
		}
	}
	_, err = calls.Invoke(t.Context(), "s3", "PutObject", &s3.PutObjectInput{Bucket: &bucket, Key: new("t/"), Body: io.NopCloser(strings.NewReader("content"))})
	if e := awserr.From(err); e == nil || e.Code != "NotImplemented" {
		t.Errorf("folder with content: %v", err)
	}
	kept(t, bucket)
}
