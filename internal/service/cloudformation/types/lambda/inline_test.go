package lambdatype

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestInline(t *testing.T) {
	for _, c := range []struct{ runtime, source, want string }{
		{"python3.13", "def handler(e, c): pass", "index.py"},
		{"python3.13", "import cfnresponse", "index.py cfnresponse.py"},
		{"nodejs22.x", "exports.handler = 1", "index.js"},
		{"nodejs22.x", "require('cfn-response')", "index.js node_modules/cfn-response/index.js"},
		{"provided.al2023", "x", "ZipFile can only be used when Runtime is set to either of nodejs*, python* or is unset, found: provided.al2023"},
	} {
		archive, err := inline(c.runtime, c.source)
		if err != nil {
			if err.Error() != c.want {
				t.Errorf("%s: %v, want %s", c.runtime, err, c.want)
			}
			continue
		}
		again, _ := inline(c.runtime, c.source)
		if !bytes.Equal(archive, again) {
			t.Errorf("%s: two archives of %q differ", c.runtime, c.source)
		}
		names, source := unzip(t, archive)
		if names != c.want || source != c.source {
			t.Errorf("%s: %s with %q, want %s with %q", c.runtime, names, source, c.want, c.source)
		}
	}
	noise := make([]byte, 3*maxInline)
	for i := range noise {
		noise[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"[rand.IntN(64)]
	}
	if _, err := inline("python3.13", string(noise)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxInline)) {
		t.Errorf("an archive that is too large: %v", err)
	}
}

// unzip gives the names in an archive, and the content of the first.
func unzip(t *testing.T, archive []byte) (names, first string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i, f := range r.File {
		all = append(all, f.Name)
		if i > 0 {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		first = string(b)
	}
	return strings.Join(all, " "), first
}

func TestLayerOf(t *testing.T) {
	for _, c := range []struct{ arn, want string }{
		{"arn:aws:lambda:us-east-1:123456789012:layer:l:7", "arn:aws:lambda:us-east-1:123456789012:layer:l 7"},
		{"arn:aws:lambda:us-east-1:123456789012:layer:l", "#/LayerVersionArn: arn:aws:lambda:us-east-1:123456789012:layer:l is not the ARN of a layer version"},
		{"", "#/LayerVersionArn:  is not the ARN of a layer version"},
	} {
		name, number, err := layerOf(c.arn)
		got := fmt.Sprintf("%s %d", name, number)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.arn, got, c.want)
		}
	}
}
