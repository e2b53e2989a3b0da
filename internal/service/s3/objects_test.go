package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
)

func TestList(t *testing.T) {
	bucket := newBucket(t)
	for _, key := range []string{"a/b/1", "a/b-c", "a/b/2", "ab", "z/y/x", "folder/"} {
		content := key
		if strings.HasSuffix(key, "/") {
			content = ""
		}
		put(t, bucket, key, content)
	}
	for _, c := range []struct{ prefix, want string }{
		{"", "a/b-c a/b/1 a/b/2 ab z/y/x"},
		{"a", "a/b-c a/b/1 a/b/2 ab"},
		{"a/b", "a/b-c a/b/1 a/b/2"},
		{"a/b/", "a/b/1 a/b/2"},
		{"a/b/2", "a/b/2"},
		{"a/b/2/", ""},
		{"none/", ""},
		{"../", ""},
		{".sgwtmp", ""},
	} {
		list, err := service.List(t.Context(), bucket, c.prefix)
		var keys []string
		for _, o := range list {
			keys = append(keys, o.Key)
			if o.Size != int64(len(o.Key)) {
				t.Errorf("%s has size %d", o.Key, o.Size)
			}
		}
		if got := strings.Join(keys, " "); err != nil || got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.prefix, got, err, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	bucket := newBucket(t)
	put(t, bucket, "a/b", "x")
	for _, c := range []struct{ bucket, key, code string }{
		{bucket, "a/b", ""},
		{bucket, "a", "NoSuchKey"},
		{bucket, "a/b/c", "NoSuchKey"},
		{bucket, "../" + bucket + "/a/b", "NoSuchKey"},
		{bucket, "", "NoSuchKey"},
		{"path-none", "a", "NoSuchBucket"},
		{"../s3/" + bucket, "a/b", "NoSuchBucket"},
		{".vgwlocks", "a/b", "NoSuchBucket"},
	} {
		_, err := service.Path(t.Context(), c.bucket, c.key)
		switch e := awserr.From(err); {
		case c.code == "" && err != nil, c.code != "" && (e == nil || e.Code != c.code || !errors.Is(err, fs.ErrNotExist)):
			t.Errorf("%s/%s: %v, want %q", c.bucket, c.key, err, c.code)
		}
	}
}

// TestPublish compares a published file with an object that a client put.
func TestPublish(t *testing.T) {
	plain, versioned := newBucket(t), unique("publish-versioned")
	must[s3.CreateBucketOutput](t, "CreateBucket", &s3.CreateBucketInput{Bucket: &versioned})
	must[s3.PutBucketVersioningOutput](t, "PutBucketVersioning", &s3.PutBucketVersioningInput{Bucket: &versioned,
		VersioningConfiguration: &s3.VersioningConfiguration{Status: new("Enabled")}})
	for _, bucket := range []string{plain, versioned} {
		dir, err := service.TempDir(t.Context(), bucket)
		if err != nil {
			t.Fatal(err)
		}
		for i, content := range []string{"first", "second"} {
			file := filepath.Join(dir, fmt.Sprint("part", i))
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := service.Publish(t.Context(), bucket, "out/year=2026/part", file); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the file is still there")
			}
			etag := put(t, bucket, "same", content)
			head := must[s3.HeadObjectOutput](t, "HeadObject", &s3.HeadObjectInput{Bucket: &bucket, Key: new("out/year=2026/part")})
			if *head.ETag != etag || *head.ContentLength != int64(len(content)) || *head.ContentType != "binary/octet-stream" {
				t.Errorf("%s %d %s, want %s", *head.ETag, *head.ContentLength, *head.ContentType, etag)
			}
			list := must[s3.ListObjectsV2Output](t, "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: new("out/")})
			if len(list.Contents) != 1 || *list.Contents[0].ETag != etag {
				t.Errorf("%+v", list.Contents)
			}
			get := must[s3.GetObjectOutput](t, "GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: new("out/year=2026/part")})
			if data, err := io.ReadAll(get.Body); err != nil || string(data) != content {
				t.Errorf("%q, %v", data, err)
			}
			get.Body.Close()
		}
		if err := service.Delete(t.Context(), bucket, "out/year=2026/part"); err != nil {
			t.Error(err)
		}
		if err := service.Delete(t.Context(), bucket, "never"); err != nil {
			t.Error(err)
		}
		if _, err := service.Path(t.Context(), bucket, "out/year=2026/part"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("deleted, but %v", err)
		}
		if list, err := service.List(t.Context(), bucket, "out/"); err != nil || len(list) != 0 {
			t.Errorf("deleted, but %v, %v", list, err)
		}
	}
	versions := must[s3.ListObjectVersionsOutput](t, "ListObjectVersions", &s3.ListObjectVersionsInput{Bucket: &versioned, Prefix: new("out/")})
	if len(versions.Versions) != 2 || len(versions.DeleteMarkers) != 1 {
		t.Errorf("%d versions, %d delete markers", len(versions.Versions), len(versions.DeleteMarkers))
	}
}

// TestPublishLarge: the ETag is that of the same content uploaded in parts.
func TestPublishLarge(t *testing.T) {
	bucket := newBucket(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), (2*partSize+12345)/16)
	upload := must[s3.CreateMultipartUploadOutput](t, "CreateMultipartUpload", &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: new("parts")})
	var parts []s3.CompletedPart
	for chunk := range chunks(data, partSize) {
		n := int64(len(parts) + 1)
		out := must[s3.UploadPartOutput](t, "UploadPart", &s3.UploadPartInput{Bucket: &bucket, Key: new("parts"),
			UploadId: upload.UploadId, PartNumber: &n, Body: io.NopCloser(bytes.NewReader(chunk))})
		parts = append(parts, s3.CompletedPart{ETag: out.ETag, PartNumber: &n})
	}
	done := must[s3.CompleteMultipartUploadOutput](t, "CompleteMultipartUpload", &s3.CompleteMultipartUploadInput{Bucket: &bucket,
		Key: new("parts"), UploadId: upload.UploadId, MultipartUpload: &s3.CompletedMultipartUpload{Parts: parts}})
	dir, err := service.TempDir(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "large")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := service.Publish(t.Context(), bucket, "published", file); err != nil {
		t.Fatal(err)
	}
	head := must[s3.HeadObjectOutput](t, "HeadObject", &s3.HeadObjectInput{Bucket: &bucket, Key: new("published")})
	if *head.ETag != *done.ETag {
		t.Errorf("%s, want %s", *head.ETag, *done.ETag)
	}
}

// TestPublishRaces publishes and deletes in one folder at once: each publish
// must end with its object in place or replaced, never with an error.
func TestPublishRaces(t *testing.T) {
	bucket := newBucket(t)
	dir, err := service.TempDir(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				key, file := fmt.Sprintf("deep/er/%d", i), filepath.Join(dir, fmt.Sprint("race", i, "-", j))
				if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
					t.Error(err)
				}
				if err := service.Publish(t.Context(), bucket, key, file); err != nil {
					t.Error(err)
				}
				if err := service.Delete(t.Context(), bucket, key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestPublishRefuses(t *testing.T) {
	bucket := newBucket(t)
	put(t, bucket, "taken/inside", "x")
	put(t, bucket, "file", "x")
	dir, err := service.TempDir(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"taken", "file/inside", "folder/", "../x", "", ".sgwtmp/x"} {
		file := filepath.Join(dir, "refused")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := service.Publish(t.Context(), bucket, key, file); err == nil {
			t.Errorf("published %q", key)
		}
	}
}
