package records

import (
	"bufio"
	"encoding/binary"
	"io"
)

// orcInts reads a run length encoded stream of integers, version 1 or 2.
type orcInts struct {
	in     *bufio.Reader
	signed bool
	v2     bool
	run    []int64
	at     int
}

func (r *orcInts) next() (int64, error) {
	if r.at == len(r.run) {
		r.run, r.at = r.run[:0], 0
		fill := r.fillV1
		if r.v2 {
			fill = r.fillV2
		}
		if err := fill(); err != nil {
			return 0, broken(err)
		}
	}
	r.at++
	return r.run[r.at-1], nil
}

// broken makes the end of a stream that should go on an error.
func broken(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errORC
	}
	return err
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func (r *orcInts) number(v uint64) int64 {
	if r.signed {
		return unzigzag(v)
	}
	return int64(v)
}

func (r *orcInts) fillV1() error {
	head, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	if head >= 128 {
		for range 256 - int(head) {
			v, err := binary.ReadUvarint(r.in)
			if err != nil {
				return err
			}
			r.run = append(r.run, r.number(v))
		}
		return nil
	}
	delta, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	v, err := binary.ReadUvarint(r.in)
	if err != nil {
		return err
	}
	base := r.number(v)
	for i := range int64(head) + 3 {
		r.run = append(r.run, base+i*int64(int8(delta)))
	}
	return nil
}

// orcWidth is the number of bits a width code stands for.
func orcWidth(code int) int {
	if code < 24 {
		return code + 1
	}
	return []int{26, 28, 30, 32, 40, 48, 56, 64}[code-24]
}

// closestWidth is the least width that has a code and is not less.
func closestWidth(bits int) int {
	for code := range 32 {
		if w := orcWidth(code); w >= bits {
			return w
		}
	}
	return 64
}

func (r *orcInts) fillV2() error {
	first, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	if first>>6 == 0 { // short repeat
		v, err := r.big(int(first>>3&7) + 1)
		if err != nil {
			return err
		}
		for range int(first&7) + 3 {
			r.run = append(r.run, r.number(v))
		}
		return nil
	}
	second, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	code, n := int(first>>1&31), int(first&1)<<8+int(second)+1
	switch first >> 6 {
	case 1:
		return r.packed(n, orcWidth(code), func(v uint64) { r.run = append(r.run, r.number(v)) })
	case 2:
		return r.patched(code, n)
	}
	return r.deltas(code, n)
}

// big reads a number of n bytes, the highest first.
func (r *orcInts) big(n int) (v uint64, err error) {
	for range n {
		b, err := r.in.ReadByte()
		if err != nil {
			return 0, err
		}
		v = v<<8 | uint64(b)
	}
	return v, nil
}

// packed reads n numbers of so many bits; the last byte is filled up.
func (r *orcInts) packed(n, bits int, f func(uint64)) error {
	left, current := 0, byte(0)
	for range n {
		v := uint64(0)
		for need := bits; need > 0; {
			if left == 0 {
				b, err := r.in.ReadByte()
				if err != nil {
					return err
				}
				current, left = b, 8
			}
			take := min(need, left)
			v = v<<take | uint64(current>>(left-take))&(1<<take-1)
			left -= take
			need -= take
		}
		f(v)
	}
	return nil
}

func (r *orcInts) patched(code, n int) error {
	third, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	fourth, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	width, size := orcWidth(code), int(third>>5)+1
	patchWidth, gapWidth, patches := orcWidth(int(third&31)), int(fourth>>5)+1, int(fourth&31)
	u, err := r.big(size)
	if err != nil {
		return err
	}
	base := int64(u)
	if sign := uint64(1) << (size*8 - 1); u&sign != 0 {
		base = -int64(u &^ sign)
	}
	data := make([]uint64, 0, n)
	if err := r.packed(n, width, func(v uint64) { data = append(data, v) }); err != nil {
		return err
	}
	at, bad := 0, false
	err = r.packed(patches, closestWidth(gapWidth+patchWidth), func(v uint64) {
		at += int(v >> patchWidth & 255)
		patch := v & (1<<patchWidth - 1)
		if at >= len(data) {
			bad = bad || patch != 0
			return
		}
		data[at] |= patch << width
	})
	if err != nil || bad {
		return errORC
	}
	for _, v := range data {
		r.run = append(r.run, base+int64(v))
	}
	return nil
}

func (r *orcInts) deltas(code, n int) error {
	u, err := binary.ReadUvarint(r.in)
	if err != nil {
		return err
	}
	base := r.number(u)
	if u, err = binary.ReadUvarint(r.in); err != nil {
		return err
	}
	delta := unzigzag(u)
	r.run = append(r.run, base)
	if code == 0 { // all differences alike
		for range n - 1 {
			base += delta
			r.run = append(r.run, base)
		}
		return nil
	}
	if n > 1 {
		base += delta
		r.run = append(r.run, base)
	}
	return r.packed(n-2, orcWidth(code), func(v uint64) {
		if delta < 0 {
			base -= int64(v)
		} else {
			base += int64(v)
		}
		r.run = append(r.run, base)
	})
}

// orcBytes reads run length encoded bytes.
type orcBytes struct {
	in      *bufio.Reader
	left    int
	literal bool
	value   byte
}

func (r *orcBytes) next() (byte, error) {
	if r.left == 0 {
		head, err := r.in.ReadByte()
		if err != nil {
			return 0, broken(err)
		}
		if r.literal = head >= 128; r.literal {
			r.left = 256 - int(head)
		} else {
			r.left = int(head) + 3
			if r.value, err = r.in.ReadByte(); err != nil {
				return 0, broken(err)
			}
		}
	}
	r.left--
	if !r.literal {
		return r.value, nil
	}
	b, err := r.in.ReadByte()
	return b, broken(err)
}

// orcBits reads booleans: the bits of run length encoded bytes, highest first.
type orcBits struct {
	bytes orcBytes
	value byte
	left  int
}

func (r *orcBits) next() (bool, error) {
	if r.left == 0 {
		b, err := r.bytes.next()
		if err != nil {
			return false, err
		}
		r.value, r.left = b, 8
	}
	r.left--
	return r.value>>r.left&1 == 1, nil
}
