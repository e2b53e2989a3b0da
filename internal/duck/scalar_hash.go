package duck

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
)

// raw gives the bytes a hash is taken of: a text's own, a number's in little
// endian at its width, the days of a date, the microseconds of a time or timestamp.
func raw(v *Vector, row int) []byte {
	switch v.Type.Kind {
	case Varchar, Blob:
		return v.Bytes(row)
	case Bool:
		return []byte{byte(v.Int(row))}
	case SmallInt:
		return binary.LittleEndian.AppendUint16(nil, uint16(v.Int(row)))
	case Integer, Date:
		return binary.LittleEndian.AppendUint32(nil, uint32(v.Int(row)))
	case Float:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v.Float(row))))
	case Double:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v.Float(row)))
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(v.Int(row)))
}

// fnvHash is FNV-1a of 64 bits, from the seed on.
func fnvHash(args []Vector, row int, out *output) error {
	h := uint64(args[1].Int(row))
	for _, c := range raw(&args[0], row) {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	out.bigint(row, int64(h))
	return nil
}

// murmur3 is MurmurHash3_x86_32.
func murmur3(args []Vector, row int, out *output) error {
	data, h := raw(&args[0], row), uint32(args[1].Int(row))
	n := uint32(len(data))
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593 }
	for ; len(data) >= 4; data = data[4:] {
		h = bits.RotateLeft32(h^mix(binary.LittleEndian.Uint32(data)), 13)*5 + 0xe6546b64
	}
	var tail uint32
	for i, c := range data {
		tail |= uint32(c) << (8 * i)
	}
	h ^= mix(tail) ^ n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	out.integer(row, int32(h^h>>16))
	return nil
}

// The primes of XXH64.
const (
	xx1 uint64 = 0x9E3779B185EBCA87
	xx2 uint64 = 0xC2B2AE3D27D4EB4F
	xx3 uint64 = 0x165667B19E3779F9
	xx4 uint64 = 0x85EBCA77C2B2AE63
	xx5 uint64 = 0x27D4EB2F165667C5
	// xxStart is xx1 + xx2, modulo 2^64.
	xxStart uint64 = 0x60EA27EEADC0B5D6
)

func xxRound(acc, lane uint64) uint64 { return bits.RotateLeft64(acc+lane*xx2, 31) * xx1 }

// xxHash64 is XXH64.
func xxHash64(args []Vector, row int, out *output) error {
	data, seed := raw(&args[0], row), uint64(args[1].Int(row))
	n := uint64(len(data))
	h := seed + xx5
	if n >= 32 {
		lane := [4]uint64{seed + xxStart, seed + xx2, seed, seed - xx1}
		for ; len(data) >= 32; data = data[32:] {
			for i := range lane {
				lane[i] = xxRound(lane[i], binary.LittleEndian.Uint64(data[8*i:]))
			}
		}
		h = bits.RotateLeft64(lane[0], 1) + bits.RotateLeft64(lane[1], 7) + bits.RotateLeft64(lane[2], 12) + bits.RotateLeft64(lane[3], 18)
		for _, l := range lane {
			h = (h^xxRound(0, l))*xx1 + xx4
		}
	}
	h += n
	for ; len(data) >= 8; data = data[8:] {
		h = bits.RotateLeft64(h^xxRound(0, binary.LittleEndian.Uint64(data)), 27)*xx1 + xx4
	}
	if len(data) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(data))*xx1, 23)*xx2 + xx3
		data = data[4:]
	}
	for _, c := range data {
		h = bits.RotateLeft64(h^uint64(c)*xx5, 11) * xx1
	}
	h = (h ^ h>>33) * xx2
	h = (h ^ h>>29) * xx3
	out.bigint(row, int64(h^h>>32))
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc is CRC32, which in Redshift is the Castagnoli polynomial's, in hexadecimal.
func crc(args []Vector, row int, out *output) error {
	out.text(row, fmt.Appendf(nil, "%08x", crc32.Checksum(args[0].Bytes(row), castagnoli)))
	return nil
}

// soundex is the American code: a letter and three digits; empty without a letter.
func soundex(args []Vector, row int, out *output) error {
	const codes = "01230120022455012623010202"
	code := make([]byte, 0, 4)
	last := byte(0)
	for _, c := range args[0].Bytes(row) {
		c &^= 0x20
		if c < 'A' || c > 'Z' {
			continue
		}
		digit := codes[c-'A']
		switch {
		case len(code) == 0:
			code = append(code, c)
		case digit != '0' && digit != last:
			code = append(code, digit)
		}
		if c != 'H' && c != 'W' {
			last = digit
		}
		if len(code) == 4 {
			break
		}
	}
	for len(code) > 0 && len(code) < 4 {
		code = append(code, '0')
	}
	out.text(row, code)
	return nil
}

// sha2 is SHA-2 of 224, 256 (also 0), 384 or 512 bits; NULL for other sizes.
func sha2(args []Vector, row int, out *output) error {
	data := args[0].Bytes(row)
	var sum []byte
	switch args[1].Int(row) {
	case 0, 256:
		h := sha256.Sum256(data)
		sum = h[:]
	case 224:
		h := sha256.Sum224(data)
		sum = h[:]
	case 384:
		h := sha512.Sum384(data)
		sum = h[:]
	case 512:
		h := sha512.Sum512(data)
		sum = h[:]
	default:
		out.null(row)
		return nil
	}
	out.text(row, hex.AppendEncode(nil, sum))
	return nil
}
