package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"encoding/base64"
	"encoding/binary"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// The process may hold one S3 server: all tests share it, each with buckets of
// its own.
var (
	service *Service
	calls   *bus.Bus
	door    *httptest.Server
)

func TestMain(m *testing.M) {
	code := func() int {
		dir, err := os.MkdirTemp("", "s3test")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		st, err := store.Open(filepath.Join(dir, "state.db"))
		if err != nil {
			panic(err)
		}
		defer st.Close()
		calls = bus.New()
		c := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		engine := work.New(st, c, slog.New(slog.DiscardHandler))
		service = New(Deps{Store: st, Clock: c, Data: dir, IDs: bus.RandomIDs{}, Bus: calls, Work: engine, Happened: told.happened})
		service.Register(engine)
		if err := service.Start(); err != nil {
			panic(err)
		}
		defer service.Close()
		calls.Register(service.Table())
		calls.Register(told.table())
		ctx, stop := context.WithCancelCause(context.Background())
		if err := engine.Start(ctx); err != nil {
			panic(err)
		}
		defer func() {
			stop(work.ErrStopped)
			engine.Wait()
		}()
		door = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := bus.Caller{Account: r.Header.Get("Test-Account"), Region: r.Header.Get("Test-Region"), AccessKey: "AKIATEST"}
			service.ServeHTTP(w, r.WithContext(bus.With(r.Context(), c)))
		}))
		defer door.Close()
		return m.Run()
	}()
	os.Exit(code)
}

func must[Out any](t *testing.T, op string, in any) *Out {
	t.Helper()
	out, err := bus.Invoke[Out](t.Context(), calls, "s3", op, in)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return out
}

// unique is a name that no other run of a test has.
func unique(name string) string { return name + "-" + bus.RandomIDs{}.Hex(4) }

func newBucket(t *testing.T) string {
	name := unique(strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())))
	must[s3.CreateBucketOutput](t, "CreateBucket", &s3.CreateBucketInput{Bucket: &name})
	return name
}

func put(t *testing.T, bucket, key, content string) string {
	t.Helper()
	out := must[s3.PutObjectOutput](t, "PutObject",
		&s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: io.NopCloser(strings.NewReader(content))})
	return *out.ETag
}

// TestHTTP sends requests one after the other; want is the status and a part
// of the body or of a header.
func TestHTTP(t *testing.T) {
	const config = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</CreateBucketConfiguration>`
	location := func(r string) string { return fmt.Sprintf(config, "<LocationConstraint>"+r+"</LocationConstraint>") }
	cases := []struct {
		name, method, target, headers, body string
		status                              int
		want                                string
	}{
		{"create", "PUT", "/http-us", "", "", 200, "Location: /http-us"},
		{"create again in us-east-1", "PUT", "/http-us", "", "", 200, "Location: /http-us"},
		{"create as another account", "PUT", "/http-us", "Test-Account: 111122223333", "", 409, "<Code>BucketAlreadyExists</Code>"},
		{"no location in a regional endpoint", "PUT", "/http-eu", "Test-Region: eu-west-1", "", 400, "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."},
		{"another region's location", "PUT", "/http-eu", "Test-Region: eu-west-1", location("eu-north-1"), 400, "IllegalLocationConstraintException"},
		{"no region", "PUT", "/http-eu", "", location("nowhere"), 400, "InvalidLocationConstraint"},
		{"malformed", "PUT", "/http-eu", "", "<Create", 400, "MalformedXML"},
		{"regional with tags", "PUT", "/http-eu", "Test-Region: eu-west-1", fmt.Sprintf(config,
			"<LocationConstraint>eu-west-1</LocationConstraint><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>"), 200, ""},
		{"create again elsewhere", "PUT", "/http-eu", "Test-Region: eu-west-1", location("eu-west-1"), 409, "BucketAlreadyOwnedByYou"},
		{"tags of creation", "GET", "/http-eu?tagging", "", "", 200, "<Key>a</Key><Value>b</Value>"},
		{"location", "GET", "/http-eu?location", "", "", 200, ">eu-west-1</LocationConstraint>"},
		{"location of us-east-1", "GET", "/http-us?location", "", "", 200, "></LocationConstraint>"},
		{"region header", "HEAD", "/http-eu", "", "", 200, "x-amz-bucket-region: eu-west-1"},
		{"list", "GET", "/", "", "", 200, "<Name>http-eu</Name><CreationDate>2026-01-02T03:04:05Z</CreationDate><BucketRegion>eu-west-1</BucketRegion>"},
		{"list of another account", "GET", "/", "Test-Account: 111122223333", "", 200, "<Buckets></Buckets>"},
		{"put", "PUT", "/http-us/dir/a%20b%C3%BC%2B.txt", "Content-Type: text/x\nX-Amz-Meta-Colour: red", "hello", 200, "Etag: \"5d41402abc4b2a76b9719d911017c592\""},
		{"get", "GET", "/http-us/dir/a%20b%C3%BC%2B.txt", "", "", 200, "hello"},
		{"metadata in lower case", "HEAD", "/http-us/dir/a%20b%C3%BC%2B.txt", "", "", 200, "x-amz-meta-colour: red"},
		{"encryption is named", "HEAD", "/http-us/dir/a%20b%C3%BC%2B.txt", "", "", 200, "x-amz-server-side-encryption: AES256"},
		{"range", "GET", "/http-us/dir/a%20b%C3%BC%2B.txt", "Range: bytes=1-2", "", 206, "el"},
		{"not modified", "GET", "/http-us/dir/a%20b%C3%BC%2B.txt", `If-None-Match: "5d41402abc4b2a76b9719d911017c592"`, "", 304, ""},
		{"virtual host", "GET", "/dir/a%20b%C3%BC%2B.txt", "Host: http-us.s3.localhost:4566", "", 200, "hello"},
		{"virtual host of AWS", "GET", "/?list-type=2&prefix=dir%2F", "Host: http-us.s3.us-east-1.amazonaws.com", "", 200, "<Key>dir/a bü+.txt</Key>"},
		{"presigned", "GET", "/http-us/dir/a%20b%C3%BC%2B.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&X-Amz-Date=20200101T000000Z&X-Amz-Expires=10&X-Amz-SignedHeaders=host&X-Amz-Signature=00&response-content-type=a%2Fb", "", "", 200, "Content-Type: a/b"},
		{"presigned with a hoisted header", "PUT", "/http-us/hoisted?X-Amz-Signature=00&x-amz-meta-shape=round", "", "1", 200, ""},
		{"its metadata", "HEAD", "/http-us/hoisted", "", "", 200, "x-amz-meta-shape: round"},
		{"wrong digest", "PUT", "/http-us/x", "X-Amz-Content-Sha256: " + strings.Repeat("0", 64), "1", 400, "XAmzContentSHA256Mismatch"},
		{"other account may not read", "GET", "/http-us/hoisted", "Test-Account: 111122223333", "", 403, "AccessDenied"},
		{"policy", "PUT", "/http-us?policy", "", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::http-us/*"}]}`, 204, ""},
		{"other account reads by policy", "GET", "/http-us/hoisted", "Test-Account: 111122223333", "", 200, "1"},
		{"other account may not write", "PUT", "/http-us/hoisted", "Test-Account: 111122223333", "2", 403, "AccessDenied"},
		{"the owner still may", "PUT", "/http-us/hoisted", "", "2", 200, ""},
		{"no such key", "GET", "/http-us/none", "", "", 404, "<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>"},
		{"no such bucket", "GET", "/http-none/none", "", "", 404, "<Code>NoSuchBucket</Code>"},
		{"no such bucket, of a name not given any more", "GET", "/Http_None?list-type=2", "", "", 404, "<Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>"},
		{"name not given any more", "PUT", "/Http_None", "", "", 400, "<Code>InvalidBucketName</Code>"},
		{"name never given", "GET", "/h!", "", "", 400, "<Code>InvalidBucketName</Code>"},
		{"not empty", "DELETE", "/http-us", "", "", 409, "BucketNotEmpty"},
		{"missing operation", "PUT", "/http-us?replication", "", "<ReplicationConfiguration/>", 501, "not implemented: s3:PutBucketReplication"},
		{"missing operation of objects", "GET", "/http-us/hoisted?acl", "", "", 501, "s3:GetObjectAcl"},
		{"bucket acl", "GET", "/http-us?acl", "", "", 200, "FULL_CONTROL"},
		{"form upload", "POST", "/http-us", "Content-Type: multipart/form-data; boundary=x", "--x--", 501, "PostObject"},
		{"delete bucket", "DELETE", "/http-eu", "", "", 204, ""},
		{"deleted", "HEAD", "/http-eu", "", "", 404, ""},
	}
	own := strings.NewReplacer("http-", unique("http")+"-")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, door.URL+own.Replace(c.target), strings.NewReader(own.Replace(c.body)))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(c.headers) {
				name, value, _ := strings.Cut(strings.TrimSpace(own.Replace(line)), ": ")
				if name == "Host" {
					r.Host = value
				}
				r.Header.Set(name, value)
			}
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var text bytes.Buffer
			for name, values := range resp.Header {
				if strings.HasPrefix(name, "X-Amz-") {
					name = strings.ToLower(name)
				}
				fmt.Fprintf(&text, "%s: %s\n", name, strings.Join(values, ", "))
			}
			io.Copy(&text, resp.Body)
			if want := own.Replace(c.want); resp.StatusCode != c.status || !strings.Contains(text.String(), want) {
				t.Errorf("%d, want %d with %q:\n%s", resp.StatusCode, c.status, want, &text)
			}
		})
	}
}

// TestChunked uploads bodies in the aws-chunked encoding.
func TestChunked(t *testing.T) {
	bucket := newBucket(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 2000)
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data)))
	frame := func(extension, end string) string {
		var b strings.Builder
		for chunk := range chunks(data, 16384) {
			fmt.Fprintf(&b, "%x%s\r\n%s\r\n", len(chunk), extension, chunk)
		}
		return b.String() + "0" + extension + "\r\n" + end
	}
	const signature = ";chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
	cases := []struct{ name, sha, body, want string }{
		{"signed", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", frame(signature, "\r\n"), ""},
		{"signed with trailer", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			frame(signature, "x-amz-checksum-crc32:"+sum+"\r\nx-amz-trailer-signature:00\r\n\r\n"), ""},
		{"signed with wrong trailer", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			frame(signature, "x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:00\r\n\r\n"), "BadDigest"},
		{"unsigned with trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", frame("", "x-amz-checksum-crc32:"+sum+"\r\n\r\n"), ""},
		{"unsigned with wrong trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", frame("", "x-amz-checksum-crc32:AAAAAA==\r\n\r\n"), "BadDigest"},
		{"cut off", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", frame(signature, "\r\n")[:20000], "IncompleteBody"},
		{"no size", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "zz;\r\n", "IncompleteBody"},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			key := fmt.Sprint("key", i)
			r, _ := http.NewRequest("PUT", door.URL+"/"+bucket+"/"+key, strings.NewReader(c.body))
			r.Header.Set("X-Amz-Content-Sha256", c.sha)
			r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(data)))
			r.Header.Set("Content-Encoding", "aws-chunked")
			if strings.HasSuffix(c.sha, "TRAILER") {
				r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			if (resp.StatusCode == 200) != (c.want == "") || !strings.Contains(string(text), c.want) {
				t.Fatalf("%s %s", resp.Status, text)
			}
			path, err := service.Path(t.Context(), bucket, key)
			if c.want != "" {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Fatalf("a failed upload left %s, %v", path, err)
				}
				return
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			out := must[s3.HeadObjectOutput](t, "HeadObject", &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
			if out.ContentEncoding != nil && *out.ContentEncoding != "" {
				t.Errorf("Content-Encoding %q", *out.ContentEncoding)
			}
		})
	}
}

func TestBus(t *testing.T) {
	bucket := newBucket(t)
	key := "reports/2026/ü 1.csv"
	put(t, bucket, key, "a,b\n")
	got := must[s3.GetObjectOutput](t, "GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	data, err := io.ReadAll(got.Body)
	got.Body.Close()
	if err != nil || string(data) != "a,b\n" {
		t.Fatalf("%q, %v", data, err)
	}
	list := must[s3.ListObjectsV2Output](t, "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: new("reports/")})
	if len(list.Contents) != 1 || *list.Contents[0].Key != key || *list.Contents[0].Size != 4 {
		t.Fatalf("%+v", list)
	}
	must[s3.PutObjectTaggingOutput](t, "PutObjectTagging", &s3.PutObjectTaggingInput{Bucket: &bucket, Key: &key,
		Tagging: &s3.Tagging{TagSet: []s3.Tag{{Key: new("k"), Value: new("v")}}}})
	tags := must[s3.GetObjectTaggingOutput](t, "GetObjectTagging", &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "v" {
		t.Fatalf("%+v", tags)
	}
	must[s3.CopyObjectOutput](t, "CopyObject", &s3.CopyObjectInput{Bucket: &bucket, Key: new("copy"), CopySource: new(bucket + "/reports/2026/%C3%BC%201.csv")})
	deleted := must[s3.DeleteObjectsOutput](t, "DeleteObjects", &s3.DeleteObjectsInput{Bucket: &bucket,
		Delete: &s3.Delete{Objects: []s3.ObjectIdentifier{{Key: &key}, {Key: new("copy")}}}})
	if len(deleted.Deleted) != 2 || len(deleted.Errors) != 0 {
		t.Fatalf("%+v", deleted)
	}
	for _, c := range []struct {
		op   string
		in   any
		code string
	}{
		{"GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: &key}, "NoSuchKey"},
		{"GetObject", &s3.GetObjectInput{Bucket: new("bus-none"), Key: &key}, "NoSuchBucket"},
		{"CreateBucket", &s3.CreateBucketInput{Bucket: new("Bad_Name")}, "InvalidBucketName"},
		{"GetBucketReplication", &s3.GetBucketReplicationInput{Bucket: &bucket}, "NotImplemented"},
	} {
		_, err := calls.Invoke(t.Context(), "s3", c.op, c.in)
		if e := awserr.From(err); e == nil || e.Code != c.code {
			t.Errorf("%s: %v, want %s", c.op, err, c.code)
		}
	}
}

func TestBucketFollowsCaller(t *testing.T) {
	ctx := bus.With(context.Background(), bus.Caller{Account: "222233334444", Region: "eu-central-1"})
	name := unique("follows-caller")
	if _, err := calls.Invoke(ctx, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	out, err := bus.Invoke[s3.HeadBucketOutput](ctx, calls, "s3", "HeadBucket", &s3.HeadBucketInput{Bucket: &name})
	if err != nil || out.BucketRegion == nil || *out.BucketRegion != "eu-central-1" {
		t.Fatalf("%+v, %v", out, err)
	}
	if _, err := calls.Invoke(t.Context(), "s3", "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: &name}); err == nil {
		t.Error("another account may list the bucket")
	}
}

func chunks(data []byte, size int) func(yield func([]byte) bool) {
	return slices.Chunk(data, size)
}
