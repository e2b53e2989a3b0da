package warehouse

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/emit"
)

// transferred is one COPY or UNLOAD that ended: a row of sys_load_history or
// sys_unload_history, its files rows of the tables of detail. It is kept as it
// is in history.jsonl.
type transferred struct {
	Unload      bool              `json:"unload,omitempty"`
	Query       int64             `json:"query"`
	Session     int32             `json:"session"`
	Database    string            `json:"database"`
	Table       string            `json:"table,omitempty"`
	Place       string            `json:"place"` // the S3 path given
	Format      string            `json:"format"`
	Compression string            `json:"compression,omitempty"`
	Begin       time.Time         `json:"begin"`
	End         time.Time         `json:"end"`
	Rows        int64             `json:"rows"`
	Failed      int64             `json:"failed,omitempty"`
	Problem     string            `json:"problem,omitempty"`
	Job         int64             `json:"job,omitempty"`
	Files       []transferredFile `json:"files"`
}

type transferredFile struct {
	URI   string `json:"uri"`
	Size  int64  `json:"size"`
	Lines int64  `json:"lines"` // -1: unknown
	// Text says that the lines, less these of headers, can still be counted.
	Text    bool  `json:"text,omitempty"`
	Headers int64 `json:"headers,omitempty"`
}

func (h *history) addTransfer(t transferred) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.transfers = remember(h.transfers, t)
	h.kept.append(historyLine{Transfer: &t})
}

func (h *history) transferred(unload bool) []transferred {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.transfers), func(t transferred) bool { return t.Unload != unload })
}

// record keeps what a COPY did for the system tables.
func (l *load) record(n int64, failure error) {
	s := l.run.session
	t := transferred{
		Query: l.run.id, Session: s.pid, Database: s.identity.Database, Table: l.target.Name, Place: l.stmt.From,
		Format: strings.ToLower(l.format), Compression: l.compression, Begin: l.began, End: s.cluster.w.clock.Now(), Rows: n,
		Failed: int64(l.rejected), Job: l.job,
	}
	if failure != nil {
		t.Problem = failure.Error()
	}
	for _, f := range l.files {
		lines, ok := l.lines[f.Path]
		switch {
		case ok:
		case len(l.files) == 1 && failure == nil:
			lines = n + int64(l.skip)
		default:
			lines = -1
		}
		t.Files = append(t.Files, transferredFile{URI: f.URI, Size: f.Size, Lines: lines})
	}
	s.cluster.log.addTransfer(t)
}

func (t transferred) size() (bytes int64) {
	for _, f := range t.Files {
		bytes += f.Size
	}
	return bytes
}

func (t transferred) status() string {
	if t.Problem != "" {
		return "aborted"
	}
	return "completed"
}

func known(n int64) emit.Expr {
	if n < 0 {
		return null()
	}
	return num(n)
}

// counted is the number of lines of an unloaded file; it is counted when
// somebody asks, as long as the object is the one that was written.
func (f transferredFile) counted(ctx context.Context, s *Session) emit.Expr {
	objects := s.cluster.w.options.Objects
	bucket, key, err := lake.SplitURI(f.URI)
	if f.Lines >= 0 || !f.Text || objects == nil || err != nil {
		return known(f.Lines)
	}
	path, err := objects.Path(ctx, bucket, key)
	if err != nil {
		return null()
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != f.Size {
		return null()
	}
	n, err := countLines(path)
	if err != nil {
		return null()
	}
	return num(n - f.Headers)
}

func loadCommitRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(false) {
		if t.Problem != "" {
			continue
		}
		for _, f := range t.Files {
			rows = append(rows, []emit.Expr{num(100), num(t.Query), num(0), str(t.Table), str(f.URI), timestamp(t.End), known(f.Lines), num(t.Failed), num(1), str(t.Format), num(0), num(0)})
		}
	}
	return rows, nil
}

func loadHistoryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(false) {
		n, size, job := num(int64(len(t.Files))), num(t.size()), emit.Expr(null())
		if t.Job > 0 {
			job = num(t.Job)
		}
		rows = append(rows, []emit.Expr{num(100), num(t.Query), num(t.Query), num(int64(t.Session)), str(t.Database), str(t.status()), str(t.Table), timestamp(t.Begin), timestamp(t.End),
			num(t.End.Sub(t.Begin).Microseconds()), str(t.Place), str(t.Format), num(t.Rows), size, n, size, n, size, num(t.Failed), job})
	}
	return rows, nil
}

func loadFileRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(false) {
		for _, f := range t.Files {
			rows = append(rows, []emit.Expr{num(100), num(t.Query), str(f.URI), num(f.Size), known(f.Lines), num(1), timestamp(t.End), num(0)})
		}
	}
	return rows, nil
}

func unloadLogRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(true) {
		for i, f := range t.Files {
			rows = append(rows, []emit.Expr{num(100), num(t.Query), num(int64(i)), num(int64(t.Session)), str(f.URI), timestamp(t.Begin), timestamp(t.End), f.counted(ctx, s), num(f.Size), str(t.Format)})
		}
	}
	return rows, nil
}

func unloadHistoryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(true) {
		rows = append(rows, []emit.Expr{num(100), num(t.Query), num(t.Query), num(int64(t.Session)), str(t.Database), str(t.status()), timestamp(t.Begin), timestamp(t.End),
			num(t.End.Sub(t.Begin).Microseconds()), str(t.Format), str(t.Compression), str(t.Place), num(t.Rows), num(int64(len(t.Files))), num(t.size()), str(t.Problem)})
	}
	return rows, nil
}

func unloadFileRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(true) {
		for _, f := range t.Files {
			rows = append(rows, []emit.Expr{num(100), num(t.Query), str(f.URI), f.counted(ctx, s), num(f.Size), str(t.Format), timestamp(t.Begin), timestamp(t.End)})
		}
	}
	return rows, nil
}
