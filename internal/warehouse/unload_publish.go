package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/types"
)

// publication is the journal of an UNLOAD whose files are finished: what is to
// become of them. It stands in the warehouse's folder while they are published;
// after a crash the next start carries it out, so that all files become
// objects or none.
type publication struct {
	Bucket string            `json:"bucket"`
	Dir    string            `json:"dir"`    // of the files; removed at the end
	Delete []string          `json:"delete"` // keys that go first (CLEANPATH)
	Files  []publicationFile `json:"files"`
}

type publicationFile struct {
	Key  string `json:"key"`
	File string `json:"file"`
}

// publish makes all files objects, or none.
func (x *export) publish(objects lake.Objects, dir string, rows int64, files []written) error {
	ctx := context.WithoutCancel(x.run.ctx)
	if x.manifest != "" {
		m, err := x.writeManifest(dir, rows, files)
		if err != nil {
			return err
		}
		files = append(files, m)
	}
	p := publication{Bucket: x.bucket, Dir: dir}
	for _, f := range files {
		p.Files = append(p.Files, publicationFile{f.key, f.file})
	}
	if x.cleanPath {
		old, err := objects.List(ctx, x.bucket, x.prefix)
		if err != nil {
			return objectError(err)
		}
		for _, o := range old {
			p.Delete = append(p.Delete, o.Key)
		}
	}
	w := x.run.session.cluster.w
	journal, err := p.write(w.publications())
	if err != nil {
		return err
	}
	if err := p.carryOut(ctx, objects); err != nil {
		p.takeBack(ctx, objects, w)
		return errors.Join(objectError(err), os.Remove(journal))
	}
	return os.Remove(journal)
}

func (w *Warehouse) publications() string { return filepath.Join(w.options.Dir, ".unload") }

func (p *publication) write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(p.Dir)+".json")
	return path, writeFile(path, text)
}

// carryOut publishes what is not published yet.
func (p *publication) carryOut(ctx context.Context, objects lake.Objects) error {
	for _, key := range p.Delete {
		if err := objects.Delete(ctx, p.Bucket, key); err != nil {
			return err
		}
	}
	for _, f := range p.Files {
		if _, err := os.Stat(f.File); errors.Is(err, fs.ErrNotExist) {
			continue // published before
		}
		if err := objects.Publish(ctx, p.Bucket, f.Key, f.File); err != nil {
			return err
		}
	}
	return nil
}

// takeBack removes the objects that were published.
func (p *publication) takeBack(ctx context.Context, objects lake.Objects, w *Warehouse) {
	for _, f := range p.Files {
		if _, err := os.Stat(f.File); err == nil {
			continue
		}
		if err := objects.Delete(ctx, p.Bucket, f.Key); err != nil {
			w.log.Error("cannot take back an unloaded file", "bucket", p.Bucket, "key", f.Key, "error", err)
		}
	}
}

// Recover carries out what an UNLOAD had finished but not published when the
// process died. It is called once, after the object store has started.
func (w *Warehouse) Recover(ctx context.Context) error {
	list, err := filepath.Glob(filepath.Join(w.publications(), "*.json"))
	if err != nil {
		return err
	}
	for _, path := range list {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var p publication
		if err := json.Unmarshal(text, &p); err != nil {
			return fmt.Errorf("cannot read %s: %w", path, err)
		}
		if err := p.carryOut(ctx, w.options.Objects); err != nil {
			return fmt.Errorf("cannot finish an UNLOAD to s3://%s: %w", p.Bucket, err)
		}
		if err := errors.Join(os.RemoveAll(p.Dir), os.Remove(path)); err != nil {
			return err
		}
	}
	return nil
}

// The manifest of UNLOAD ("UNLOAD": MANIFEST [VERBOSE]).
type (
	unloadManifest struct {
		Entries []unloadEntry `json:"entries"`
		Schema  *unloadSchema `json:"schema,omitempty"`
		Meta    *unloadMeta   `json:"meta,omitempty"`
		Author  *unloadAuthor `json:"author,omitempty"`
	}
	unloadEntry struct {
		URL  string      `json:"url"`
		Meta *unloadMeta `json:"meta,omitempty"`
	}
	unloadMeta struct {
		Length int64  `json:"content_length"`
		Rows   *int64 `json:"record_count,omitempty"`
	}
	unloadSchema struct {
		Elements []unloadElement `json:"elements"`
	}
	unloadElement struct {
		Name string     `json:"name"`
		Type unloadType `json:"type"`
	}
	unloadType struct {
		Base      string `json:"base"`
		MaxLength int    `json:"max_length,omitempty"`
		Precision int    `json:"precision,omitempty"`
		Scale     *int   `json:"scale,omitempty"`
	}
	unloadAuthor struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
)

func (x *export) writeManifest(dir string, rows int64, files []written) (written, error) {
	m := unloadManifest{}
	verbose := x.manifest == "VERBOSE"
	total := int64(0)
	for _, f := range files {
		e := unloadEntry{URL: "s3://" + x.bucket + "/" + f.key}
		total += f.size
		if verbose || x.format == "PARQUET" {
			e.Meta = &unloadMeta{Length: f.size}
			if f.rows >= 0 && verbose {
				e.Meta.Rows = new(f.rows)
			}
		}
		m.Entries = append(m.Entries, e)
	}
	if verbose {
		m.Schema = &unloadSchema{}
		for _, c := range x.columns {
			m.Schema.Elements = append(m.Schema.Elements, unloadElement{c.Name, manifestType(c.Type)})
		}
		m.Meta = &unloadMeta{Length: total, Rows: new(rows)}
		m.Author = &unloadAuthor{"Amazon Redshift", "1.0.0"}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return written{}, err
	}
	file := filepath.Join(dir, "manifest")
	return written{file: file, key: x.prefix + "manifest", size: int64(len(text))}, os.WriteFile(file, text, 0o644)
}

func manifestType(t types.Type) unloadType {
	out := unloadType{Base: t.Base()}
	switch {
	case t.IsText():
		out.MaxLength = t.Length
	case t.Kind == types.Decimal:
		out.Precision, out.Scale = t.Precision, new(t.Scale)
	}
	out.Base, _, _ = strings.Cut(out.Base, "(")
	return out
}
