package exec

import "io"

// spool keeps the text of a result file until the file is written: in scratch
// space of the host's but for the last part. What the scratch space refuses
// stays in memory.
type spool struct {
	space func() (Scratch, error)
	file  Scratch // nil: none yet
	moved int64   // bytes in file
	tail  []byte  // those behind them
	next  int     // the length of tail that is moved
}

// spoolPart is how many bytes are held in memory.
const spoolPart = 256 << 10

func (s *spool) size() int64 { return s.moved + int64(len(s.tail)) }

func (s *spool) write(p ...byte) {
	s.tail = append(s.tail, p...)
	if len(s.tail) < max(s.next, spoolPart) {
		return
	}
	if s.move() != nil {
		s.next = 2 * len(s.tail)
		return
	}
	s.tail, s.next = s.tail[:0], 0
	if cap(s.tail) > 4*spoolPart {
		s.tail = nil
	}
}

func (s *spool) move() (err error) {
	if s.file == nil {
		if s.file, err = s.space(); err != nil {
			s.file = nil
			return err
		}
	}
	n, err := s.file.WriteAt(s.tail, s.moved)
	if err == nil {
		s.moved += int64(n)
	}
	return err
}

// ReadAt reads what was written (io.ReaderAt).
func (s *spool) ReadAt(p []byte, at int64) (n int, err error) {
	if at < s.moved {
		if n, err = s.file.ReadAt(p[:min(int64(len(p)), s.moved-at)], at); err != nil && err != io.EOF {
			return n, err
		}
		at += int64(n)
		if at < s.moved && n < len(p) {
			return n, io.ErrUnexpectedEOF
		}
	}
	if at >= s.moved {
		n += copy(p[n:], s.tail[min(at-s.moved, int64(len(s.tail))):])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// reader reads all of it; it is out of date after the next write.
func (s *spool) reader() io.ReadSeeker { return io.NewSectionReader(s, 0, s.size()) }

// clear forgets everything.
func (s *spool) clear() {
	if s.file != nil {
		s.file.Close()
	}
	s.file, s.moved, s.tail, s.next = nil, 0, nil, 0
}
