package records

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// lzop reads the files of the lzop tool: a header, then blocks of LZO1X.
type lzop struct {
	in    io.Reader
	flags uint32
}

// The flags of an lzop header that say which checksums stand in a block.
const (
	lzopAdlerPlain  = 1 << 0
	lzopAdlerPacked = 1 << 1
	lzopExtra       = 1 << 6
	lzopCRCPlain    = 1 << 8
	lzopCRCPacked   = 1 << 9
	lzopFilter      = 1 << 11
)

// lzopBlock is the longest block that is accepted.
const lzopBlock = 64 << 20

func newLzop(in io.Reader) (*lzop, error) {
	z := &lzop{in: in}
	magic := make([]byte, 9)
	if _, err := io.ReadFull(in, magic); err != nil {
		return nil, err
	}
	if Compression(magic) != "lzop" {
		return nil, errors.New("not an lzop file")
	}
	var head struct {
		Version, Library, Needed uint16
		Method, Level            uint8
		Flags                    uint32
	}
	if err := binary.Read(in, binary.BigEndian, &head); err != nil {
		return nil, err
	}
	z.flags = head.Flags
	if z.flags&lzopFilter != 0 {
		return nil, errors.New("lzop filters are not supported")
	}
	// Mode, two times, the name with its length and the header's checksum.
	if err := z.skip(12); err != nil {
		return nil, err
	}
	var n uint8
	if err := binary.Read(in, binary.BigEndian, &n); err != nil {
		return nil, err
	}
	if err := z.skip(int64(n) + 4); err != nil {
		return nil, err
	}
	if z.flags&lzopExtra != 0 {
		size, err := z.word()
		if err != nil {
			return nil, err
		}
		return z, z.skip(int64(size) + 4)
	}
	return z, nil
}

func (z *lzop) skip(n int64) error {
	_, err := io.CopyN(io.Discard, z.in, n)
	return err
}

func (z *lzop) word() (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(z.in, b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

func (z *lzop) next() ([]byte, error) {
	plain, err := z.word()
	if err != nil {
		return nil, err
	}
	if plain == 0 {
		return nil, io.EOF
	}
	packed, err := z.word()
	if err != nil {
		return nil, err
	}
	if plain > lzopBlock || packed > plain {
		return nil, fmt.Errorf("an lzop block of %d bytes", plain)
	}
	sums := int64(0)
	for _, f := range []uint32{lzopAdlerPlain, lzopCRCPlain} {
		if z.flags&f != 0 {
			sums += 4
		}
	}
	for _, f := range []uint32{lzopAdlerPacked, lzopCRCPacked} {
		if z.flags&f != 0 && packed < plain {
			sums += 4
		}
	}
	if err := z.skip(sums); err != nil {
		return nil, err
	}
	data := make([]byte, packed)
	if _, err := io.ReadFull(z.in, data); err != nil {
		return nil, err
	}
	if packed == plain {
		return data, nil
	}
	block, err := lzo1x(data, int(plain))
	if err == nil && len(block) != int(plain) {
		err = errLzo
	}
	return block, err
}

var errLzo = errors.New("broken LZO data")

// lzoState is a decompression under way. Reads past the end set bad.
type lzoState struct {
	src, dst []byte
	at       int
	bad      bool
}

func (s *lzoState) byte() int {
	if s.at >= len(s.src) {
		s.bad = true
		return 0
	}
	s.at++
	return int(s.src[s.at-1])
}

// length reads a length that did not fit in its instruction: zero bytes count 255.
func (s *lzoState) length(base int) int {
	n := base
	for {
		b := s.byte()
		if b != 0 || s.bad {
			return n + b
		}
		n += 255
	}
}

func (s *lzoState) literals(n int) {
	if s.at+n > len(s.src) || len(s.dst)+n > cap(s.dst) {
		s.bad = true
		return
	}
	s.dst = append(s.dst, s.src[s.at:s.at+n]...)
	s.at += n
}

func (s *lzoState) match(distance, n int) {
	from := len(s.dst) - distance
	if from < 0 || len(s.dst)+n > cap(s.dst) {
		s.bad = true
		return
	}
	for i := range n {
		s.dst = append(s.dst, s.dst[from+i])
	}
}

// lzo1x decompresses one block of LZO1X of at most so many bytes. State is how many literals followed
// the last instruction: 0 none, 1 to 3 as many, 4 more.
func lzo1x(src []byte, most int) ([]byte, error) {
	s := &lzoState{src: src, dst: make([]byte, 0, most)}
	state := 0
	if len(src) > 0 && src[0] > 17 {
		n := s.byte() - 17
		s.literals(n)
		state = min(n, 4)
	}
	for !s.bad {
		op := s.byte()
		trail := op & 3
		switch {
		case op < 16 && state == 0:
			n := op + 3
			if op == 0 {
				n = s.length(15) + 3
			}
			s.literals(n)
			state = 4
			continue
		case op < 16:
			distance, n := op>>2+s.byte()<<2+1, 2
			if state == 4 {
				distance, n = distance+2048, 3
			}
			s.match(distance, n)
		case op >= 64:
			s.match(op>>2&7+s.byte()<<3+1, op>>5+1)
		default:
			distance, n := 0, 0
			if distance, n, trail = s.far(op); distance == 0 {
				if s.bad {
					return nil, errLzo
				}
				return s.dst, nil
			}
			s.match(distance, n)
		}
		s.literals(trail)
		state = trail
	}
	return nil, errLzo
}

// far reads the instructions with a 16-bit distance; distance 0 is the end.
func (s *lzoState) far(op int) (distance, n, trail int) {
	mask := 7
	base := 1
	if op >= 32 {
		mask = 31
	}
	n = op&mask + 2
	if op&mask == 0 {
		n = s.length(mask) + 2
	}
	if op < 32 {
		base = 0x4000 + op&8<<11
	}
	low := s.byte()
	word := low | s.byte()<<8
	distance = base + word>>2
	if op < 32 && distance == 0x4000 {
		return 0, 0, 0
	}
	return distance, n, low & 3
}
