package forward

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/bus"
	"stepwell/internal/wire/sigv4"
)

// regions is an S3 whose bucket is in eu-north-1.
type regions struct {
	t     *testing.T
	asked []string
}

func (a *regions) RoundTrip(r *http.Request) (*http.Response, error) {
	auth, err := sigv4.Parse(r)
	if err != nil {
		a.t.Error(err)
	}
	a.asked = append(a.asked, r.Method+" "+r.URL.Host+" "+auth.Scope.Region)
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("text")), Request: r}
	if auth.Scope.Region != "eu-north-1" {
		res.StatusCode = 301
		res.Header.Set("X-Amz-Bucket-Region", "eu-north-1")
		res.Body = io.NopCloser(strings.NewReader("<Error><Code>PermanentRedirect</Code></Error>"))
	}
	return res, nil
}

// TestRegions: a bucket of another region than the route's is found there, by
// calls and by requests without a body; what has one fails once.
func TestRegions(t *testing.T) {
	for _, c := range []struct {
		name, want string
		do         func(t *testing.T, f *Forwarder, b *bus.Bus)
	}{
		{"call", "GET s3.eu-west-1.amazonaws.com eu-west-1, GET s3.eu-north-1.amazonaws.com eu-north-1", func(t *testing.T, _ *Forwarder, b *bus.Bus) {
			out, err := bus.Invoke[s3.GetObjectOutput](t.Context(), b, "s3", "GetObject", &s3.GetObjectInput{Bucket: new("b"), Key: new("k")})
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := io.ReadAll(out.Body); string(text) != "text" {
				t.Error(string(text))
			}
		}},
		{"upload", "PUT s3.eu-west-1.amazonaws.com eu-west-1, PUT s3.eu-north-1.amazonaws.com eu-north-1", func(t *testing.T, _ *Forwarder, b *bus.Bus) {
			put := func() error {
				_, err := b.Invoke(t.Context(), "s3", "PutObject", &s3.PutObjectInput{Bucket: new("b"), Key: new("k"), Body: io.NopCloser(strings.NewReader("x")), ContentLength: new(int64(1))})
				return err
			}
			if err := put(); err == nil || !strings.HasPrefix(err.Error(), "PermanentRedirect") {
				t.Error(err)
			}
			if err := put(); err != nil {
				t.Error(err)
			}
		}},
		{"requests", "GET s3.eu-west-1.amazonaws.com eu-west-1, GET s3.eu-north-1.amazonaws.com eu-north-1, PUT s3.eu-north-1.amazonaws.com eu-north-1", func(t *testing.T, f *Forwarder, _ *bus.Bus) {
			for _, r := range []*http.Request{httptest.NewRequest("GET", "/b/k", nil), httptest.NewRequest("PUT", "/b/k", strings.NewReader("x"))} {
				w := httptest.NewRecorder()
				if err := f.Pass(w, r, "s3"); err != nil || w.Code != 200 {
					t.Errorf("%d %v", w.Code, err)
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			far := &regions{t: t}
			f, err := New(Options{Routes: []Route{{Service: "s3", Region: "eu-west-1"}}, Models: []*awsapi.Model{s3.Model}, Env: env(t), HTTP: far,
				Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			b := bus.New()
			b.Register(f.Table(s3.Model))
			c.do(t, f, b)
			if got := strings.Join(far.asked, ", "); got != c.want {
				t.Errorf("asked %s\nwant %s", got, c.want)
			}
		})
	}
}
