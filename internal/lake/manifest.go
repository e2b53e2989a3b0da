package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// manifestSize is the size of the largest manifest that is looked at.
const manifestSize = 64 << 20

// fromManifest resolves a location that names a manifest: an object with the
// list "entries", of which every one has its URL and size ("CREATE EXTERNAL
// TABLE": LOCATION). ok is false for any other location.
func fromManifest(ctx context.Context, objects Objects, bucket, key string) (files []File, ok bool, err error) {
	if key == "" || strings.HasSuffix(key, "/") {
		return nil, false, nil
	}
	path, err := objects.Path(ctx, bucket, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil // a prefix
	}
	if err != nil {
		return nil, false, err
	}
	var m struct {
		Entries []struct {
			URL       string `json:"url"`
			Mandatory bool   `json:"mandatory"`
			Meta      struct {
				Length int64 `json:"content_length"`
			} `json:"meta"`
		} `json:"entries"`
	}
	text, err := head(path)
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(text), []byte{'{'}) || json.Unmarshal(text, &m) != nil || m.Entries == nil {
		return nil, false, err
	}
	for _, e := range m.Entries {
		b, k, err := SplitURI(e.URL)
		if err != nil {
			return nil, false, err
		}
		path, err := objects.Path(ctx, b, k)
		if errors.Is(err, fs.ErrNotExist) && !e.Mandatory {
			continue
		}
		if err != nil {
			return nil, false, fmt.Errorf("cannot read %s: %w", e.URL, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, false, err
		}
		if info.Size() != e.Meta.Length {
			return nil, false, fmt.Errorf("the manifest s3://%s/%s says that %s has %d bytes: it has %d", bucket, key, e.URL, e.Meta.Length, info.Size())
		}
		if info.Size() > 0 {
			files = append(files, File{URI: e.URL, Path: path, Size: info.Size()})
		}
	}
	return files, true, nil
}

// head reads a file up to manifestSize.
func head(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return nil, err
	}
	first := make([]byte, 512)
	n, err := io.ReadFull(f, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if first = first[:n]; !bytes.HasPrefix(bytes.TrimSpace(first), []byte{'{'}) {
		return nil, nil
	}
	rest, err := io.ReadAll(io.LimitReader(f, manifestSize))
	return append(first, rest...), err
}
