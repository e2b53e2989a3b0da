package duck

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A database file has a write-ahead log beside it (<file>.wal). A checkpoint
// begins with a marker at its end, and what is committed meanwhile goes to a log
// of the checkpoint (<file>.wal.checkpoint). Where a kill comes before its end,
// the next opening of the file appends the second log to the first, in the place
// of the last marker, and removes the second.
//
// DuckDB 1.5.4 does not remove the marker of a checkpoint that did not end
// (duckdb pull request 24260). Where the log has such a marker, and one of another
// checkpoint at its end, DuckDB puts the logs together, refuses the file, and
// replays all at the next opening. But where a kill comes before it has removed
// the second log, the next opening puts them together once more, in the place of
// the earlier marker: what was committed between the two is lost.
const (
	logSuffix        = ".wal"
	checkpointSuffix = ".wal.checkpoint"
	staleSuffix      = ".wal.stale"  // a checkpoint's log that was appended already
	mendedSuffix     = ".wal.mended" // the log without the earlier markers, while it is written
)

// Suffixes are what may follow the name of a database's file in the names of the
// files beside it.
func Suffixes() []string {
	return []string{logSuffix, checkpointSuffix, ".wal.recovery", staleSuffix, mendedSuffix}
}

// Entries of the log, as DuckDB's enum WALType numbers them.
const (
	entryCheckpoint = 99
	entryFlush      = 100
)

// logEntry is a place in a log, in bytes.
type logEntry struct{ from, to int64 }

// mend brings the logs of a database file into a state that DuckDB reads right.
func mend(file string) error {
	switch _, err := os.Stat(file + checkpointSuffix); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	markers, appended, err := readMarkers(file + logSuffix)
	switch {
	case err != nil:
		return fmt.Errorf("cannot read the log of %s: %w", file, err)
	case appended: // by an earlier opening: a checkpoint that has its log leaves the other alone
		if err := os.Rename(file+checkpointSuffix, file+staleSuffix); err != nil {
			return err
		}
		return syncFolder(filepath.Dir(file))
	case len(markers) > 1:
		return cutOut(file, markers[:len(markers)-1])
	}
	return nil
}

// readMarkers finds the markers of checkpoints in a log; appended says that more
// follows the last one. A log that is absent or of another version has none.
func readMarkers(path string) (markers []logEntry, appended bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	r := &logReader{in: bufio.NewReaderSize(f, 1<<20)}
	if version := r.header(); version != 2 { // without checksums, or encrypted
		return nil, false, r.fault()
	}
	for r.err == nil {
		entry, kind := r.entry()
		switch {
		case r.err != nil:
		case kind == entryCheckpoint:
			markers, appended = append(markers, entry), false
		case kind != entryFlush:
			appended = len(markers) > 0
		}
	}
	return markers, appended, r.fault()
}

// logReader reads the frame of a log: DuckDB's binary serialization.
type logReader struct {
	in  *bufio.Reader
	at  int64
	err error
}

// fault is what went wrong, but for the end of a log, which may be torn.
func (r *logReader) fault() error {
	if errors.Is(r.err, io.EOF) || errors.Is(r.err, io.ErrUnexpectedEOF) {
		return nil
	}
	return r.err
}

func (r *logReader) bytes(n int) []byte {
	b := make([]byte, n)
	if r.err == nil {
		_, r.err = io.ReadFull(r.in, b)
		r.at += int64(n)
	}
	return b
}

func (r *logReader) field() uint16 { return binary.LittleEndian.Uint16(r.bytes(2)) }

func (r *logReader) varint() (n uint64) {
	for shift := 0; shift < 64 && r.err == nil; shift += 7 {
		b := r.bytes(1)[0]
		n |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
	}
	return n
}

// header reads what a log begins with and returns its version.
func (r *logReader) header() (version uint64) {
	for r.err == nil {
		switch r.field() {
		case 0xffff:
			return version
		case 101:
			version = r.varint()
		case 102: // the database's identifier, a list
			for n := r.varint(); n > 0 && r.err == nil; n-- {
				r.varint()
			}
		default: // the kind of the entry, the checkpoint's iteration
			r.varint()
		}
	}
	return version
}

// entry reads one: its length, a checksum, and fields, of which the first is its
// kind.
func (r *logReader) entry() (e logEntry, kind uint64) {
	e.from = r.at
	frame := r.bytes(16)
	if r.err != nil {
		return e, 0
	}
	e.to = r.at + int64(binary.LittleEndian.Uint64(frame))
	r.field()
	kind = r.varint()
	if r.err == nil {
		_, r.err = io.CopyN(io.Discard, r.in, e.to-r.at)
		r.at = e.to
	}
	return e, kind
}

// cutOut writes the log anew without some entries.
func cutOut(file string, entries []logEntry) error {
	in, err := os.Open(file + logSuffix)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(file + mendedSuffix)
	if err != nil {
		return err
	}
	at := int64(0)
	for _, e := range entries {
		if _, err = io.CopyN(out, in, e.from-at); err == nil {
			_, err = in.Seek(e.to, io.SeekStart)
		}
		if err != nil {
			break
		}
		at = e.to
	}
	if err == nil {
		_, err = io.Copy(out, in)
	}
	if err == nil {
		err = out.Sync()
	}
	err = errors.Join(err, out.Close())
	if err == nil {
		err = os.Rename(out.Name(), file+logSuffix)
	}
	if err != nil {
		return fmt.Errorf("cannot mend the log of %s: %w", file, errors.Join(err, os.Remove(out.Name())))
	}
	return syncFolder(filepath.Dir(file))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
