package warehouse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

func (l *load) objects() (lake.Objects, error) {
	if o := l.run.session.cluster.w.options.Objects; o != nil {
		return o, nil
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "COPY needs an object store, and none is configured")
}

// findFiles lists what the prefix or the manifest names.
func (l *load) findFiles(ctx context.Context) error {
	objects, err := l.objects()
	if err != nil {
		return err
	}
	bucket, prefix, err := lake.SplitURI(l.stmt.From)
	if err != nil {
		if !strings.Contains(l.stmt.From, "://") {
			return sqlerr.New(sqlerr.FeatureNotSupported, "%s", syntax.LoadSource)
		}
		return sqlerr.NotImplemented("COPY from a source other than Amazon S3")
	}
	if l.flags["MANIFEST"] {
		return l.fromManifest(ctx, objects, bucket, prefix)
	}
	list, err := objects.List(ctx, bucket, prefix)
	if err != nil {
		return objectError(err)
	}
	if len(list) == 0 {
		return sqlerr.New(sqlerr.InternalError, "The specified S3 prefix '%s' does not exist", prefix)
	}
	for _, o := range list {
		if o.Size == 0 || strings.HasSuffix(o.Key, "/") || l.only != nil && !l.only[o.Key] {
			continue
		}
		path, err := objects.Path(ctx, bucket, o.Key)
		if err != nil {
			return objectError(err)
		}
		l.files = append(l.files, lake.File{URI: "s3://" + bucket + "/" + o.Key, Path: path, Size: o.Size})
	}
	return nil
}

// manifest is the file that MANIFEST names ("Using a manifest to specify data
// files").
type manifest struct {
	Entries []manifestEntry `json:"entries"`
}

type manifestEntry struct {
	URL       string `json:"url"`
	Mandatory bool   `json:"mandatory"`
	Meta      *struct {
		Length int64 `json:"content_length"`
	} `json:"meta"`
}

func errNoSuchKey() *sqlerr.Error {
	return sqlerr.New(sqlerr.InternalError, "S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey")
}

// readObject reads a small object that an option names: a manifest, JSONPaths.
func readObject(ctx context.Context, objects lake.Objects, bucket, key string) ([]byte, error) {
	path, err := objects.Path(ctx, bucket, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoSuchKey()
	}
	if err != nil {
		return nil, objectError(err)
	}
	return os.ReadFile(path)
}

func (l *load) fromManifest(ctx context.Context, objects lake.Objects, bucket, key string) error {
	text, err := readObject(ctx, objects, bucket, key)
	if err != nil {
		if list, e := objects.List(ctx, bucket, key); e == nil && len(list) > 0 {
			return sqlerr.New(sqlerr.InternalError, "COPY with MANIFEST parameter requires full path of an S3 object.")
		}
		return err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Entries == nil {
		return sqlerr.New(sqlerr.InternalError, "The file s3://%s/%s is not a valid manifest: it must be a JSON object with the list \"entries\"", bucket, key)
	}
	for _, e := range m.Entries {
		if err := l.addEntry(ctx, objects, e); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) addEntry(ctx context.Context, objects lake.Objects, e manifestEntry) error {
	b, k, err := lake.SplitURI(e.URL)
	if err != nil {
		return sqlerr.New(sqlerr.InternalError, "Invalid URL '%s' in manifest file", e.URL)
	}
	path, err := objects.Path(ctx, b, k)
	if errors.Is(err, fs.ErrNotExist) {
		if e.Mandatory {
			return errNoSuchKey().WithDetail("Manifest entry %s is mandatory.", e.URL)
		}
		return nil
	}
	if err != nil {
		return objectError(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if l.columnar() {
		switch {
		case e.Meta == nil:
			return sqlerr.New(sqlerr.InternalError, "COPY with MANIFEST from %s needs the key content_length in the meta of every entry", l.format).WithDetail("File: %s", e.URL)
		case e.Meta.Length != info.Size():
			return sqlerr.New(sqlerr.InternalError, "The content_length of a manifest entry is not the size of the file").
				WithDetail("File: %s, content_length: %d, size: %d", e.URL, e.Meta.Length, info.Size())
		}
	}
	if info.Size() > 0 {
		l.files = append(l.files, lake.File{URI: e.URL, Path: path, Size: info.Size()})
	}
	return nil
}

// survey looks at plain text files before they are loaded: how many lines each
// has, and whether one holds what DuckDB reads otherwise than COPY does (blank
// lines, a delimiter at the end of lines).
func (l *load) survey() (odd bool, err error) {
	if l.columnar() || l.format == "JSON" || l.format == "AVRO" {
		return false, nil
	}
	for i := range l.files {
		strange, err := l.surveyFile(i)
		if err != nil {
			return false, err
		}
		odd = odd || strange
	}
	return odd, nil
}

func (l *load) surveyFile(i int) (odd bool, err error) {
	if l.compression != "none" {
		return false, nil
	}
	f, err := os.Open(l.files[i].Path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	buf, lines := make([]byte, 1<<20), int64(0)
	for first, fresh := true, true; ; first = false {
		n, err := io.ReadFull(f, buf)
		part := buf[:n]
		odd = odd || first && bytes.Contains(part, []byte(l.delimiter+"\n")) && l.endsInDelimiter(part)
		for len(part) > 0 {
			if fresh {
				odd = odd || part[0] == '\n' || part[0] == '\r'
				lines++
			}
			end := bytes.IndexByte(part, '\n')
			fresh = end >= 0
			if !fresh {
				break
			}
			part = part[end+1:]
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	l.lines[l.files[i].Path] = lines
	return odd, nil
}

// endsInDelimiter says that the first line has a delimiter behind its last field.
func (l *load) endsInDelimiter(part []byte) bool {
	for range l.skip {
		_, rest, ok := bytes.Cut(part, []byte{'\n'})
		if !ok {
			return false
		}
		part = rest
	}
	line, _, _ := bytes.Cut(part, []byte{'\n'})
	return bytes.Count(line, []byte(l.delimiter)) >= len(l.columns)
}
