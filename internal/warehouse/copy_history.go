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
// sys_unload_history, its files rows of the tables of detail.
type transferred struct {
	unload      bool
	query       int64
	session     int32
	database    string
	table       string
	place       string // the S3 path given
	format      string
	compression string
	begin, end  time.Time
	rows        int64
	failed      int64
	problem     string
	job         int64
	files       []transferredFile
}

type transferredFile struct {
	uri   string
	size  int64
	lines int64 // -1: unknown
	// text says that the lines, less these of headers, can still be counted.
	text    bool
	headers int64
}

func (h *history) addTransfer(t transferred) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.transfers) >= historySize {
		h.transfers = append(h.transfers[:0], h.transfers[historySize/2:]...)
	}
	h.transfers = append(h.transfers, t)
}

func (h *history) transferred(unload bool) []transferred {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.transfers), func(t transferred) bool { return t.unload != unload })
}

// record keeps what a COPY did for the system tables.
func (l *load) record(n int64, failure error) {
	s := l.run.session
	t := transferred{
		query: l.run.id, session: s.pid, database: s.identity.Database, table: l.target.Name, place: l.stmt.From,
		format: strings.ToLower(l.format), compression: l.compression, begin: l.began, end: s.cluster.w.clock.Now(), rows: n,
		failed: int64(l.rejected), job: l.job,
	}
	if failure != nil {
		t.problem = failure.Error()
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
		t.files = append(t.files, transferredFile{uri: f.URI, size: f.Size, lines: lines})
	}
	s.cluster.log.addTransfer(t)
}

func (t transferred) size() (bytes int64) {
	for _, f := range t.files {
		bytes += f.size
	}
	return bytes
}

func (t transferred) status() string {
	if t.problem != "" {
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
	bucket, key, err := lake.SplitURI(f.uri)
	if f.lines >= 0 || !f.text || objects == nil || err != nil {
		return known(f.lines)
	}
	path, err := objects.Path(ctx, bucket, key)
	if err != nil {
		return null()
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != f.size {
		return null()
	}
	n, err := countLines(path)
	if err != nil {
		return null()
	}
	return num(n - f.headers)
}

func loadCommitRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(false) {
		if t.problem != "" {
			continue
		}
		for _, f := range t.files {
			rows = append(rows, []emit.Expr{num(100), num(t.query), num(0), str(t.table), str(f.uri), timestamp(t.end), known(f.lines), num(t.failed), num(1), str(t.format), num(0), num(0)})
		}
	}
	return rows, nil
}

func loadHistoryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(false) {
		n, size, job := num(int64(len(t.files))), num(t.size()), emit.Expr(null())
		if t.job > 0 {
			job = num(t.job)
		}
		rows = append(rows, []emit.Expr{num(100), num(t.query), num(t.query), num(int64(t.session)), str(t.database), str(t.status()), str(t.table), timestamp(t.begin), timestamp(t.end),
			num(t.end.Sub(t.begin).Microseconds()), str(t.place), str(t.format), num(t.rows), size, n, size, n, size, num(t.failed), job})
	}
	return rows, nil
}

func loadFileRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(false) {
		for _, f := range t.files {
			rows = append(rows, []emit.Expr{num(100), num(t.query), str(f.uri), num(f.size), known(f.lines), num(1), timestamp(t.end), num(0)})
		}
	}
	return rows, nil
}

func unloadLogRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(true) {
		for i, f := range t.files {
			rows = append(rows, []emit.Expr{num(100), num(t.query), num(int64(i)), num(int64(t.session)), str(f.uri), timestamp(t.begin), timestamp(t.end), f.counted(ctx, s), num(f.size), str(t.format)})
		}
	}
	return rows, nil
}

func unloadHistoryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(true) {
		rows = append(rows, []emit.Expr{num(100), num(t.query), num(t.query), num(int64(t.session)), str(t.database), str(t.status()), timestamp(t.begin), timestamp(t.end),
			num(t.end.Sub(t.begin).Microseconds()), str(t.format), str(t.compression), str(t.place), num(t.rows), num(int64(len(t.files))), num(t.size()), str(t.problem)})
	}
	return rows, nil
}

func unloadFileRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, t := range s.cluster.log.transferred(true) {
		for _, f := range t.files {
			rows = append(rows, []emit.Expr{num(100), num(t.query), str(f.uri), f.counted(ctx, s), num(f.size), str(t.format), timestamp(t.begin), timestamp(t.end)})
		}
	}
	return rows, nil
}
