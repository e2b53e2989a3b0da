package records

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// TestUnpack: every compression of blocks, with room for them and without.
func TestUnpack(t *testing.T) {
	plain := strings.Repeat("pipelines ", 20)
	written := func(open func(io.Writer) (io.WriteCloser, error)) string {
		var b bytes.Buffer
		w, err := open(&b)
		if err == nil {
			_, err = io.WriteString(w, plain)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	bzip2, err := hex.DecodeString("425a6839314159265359bdf8225800005991804000022548002000310c0052a9a37aa62626262709d26131384fc5dc914e14242f7e089600")
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, lz4.CompressBlockBound(len(plain)))
	n, err := lz4.CompressBlock([]byte(plain), block, nil)
	if err != nil {
		t.Fatal(err)
	}
	fault := errors.New("too long")
	for codec, raw := range map[string]string{
		"deflate":   written(func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) }),
		"zstandard": written(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }),
		"snappy":    string(snappy.Encode(nil, []byte(plain))),
		"bzip2":     string(bzip2),
		"lz4":       string(block[:n]),
		"lzo":       string([]byte{17 + 10}) + "pipelines " + "\x11\x00\x00", // literals and the end
	} {
		want := plain
		if codec == "lzo" {
			want = plain[:10]
		}
		got, err := unpack(codec, []byte(raw), uint64(len(want)), fault)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q %v", codec, got, err)
		}
		if got, err = unpack(codec, []byte(raw), uint64(len(want))-1, fault); err == nil {
			t.Errorf("%s without room: %q", codec, got)
		} else if codec != "lzo" && codec != "lz4" && !errors.Is(err, fault) {
			t.Errorf("%s without room: %v", codec, err)
		}
		if got, err = unpack(codec, []byte(raw[:len(raw)/2]), uint64(len(want)), fault); err == nil && codec != "lz4" {
			t.Errorf("half of %s: %q", codec, got)
		}
	}
}
