package duck

import (
	"encoding/binary"
	"math/bits"
)

// The constants of FarmHash.
const (
	farm0 uint64 = 0xc3a5c85c97cb3127
	farm1 uint64 = 0xb492b66fbe98f273
	farm2 uint64 = 0x9ae16a3b2f90404f
)

// farmFingerprint is FarmHash's Fingerprint64.
func farmFingerprint(args []Vector, row int, out *output) error {
	out.bigint(row, int64(fingerprint(args[0].Bytes(row))))
	return nil
}

func fetch(s []byte, i int) uint64 { return binary.LittleEndian.Uint64(s[i:]) }

func right(v uint64, n int) uint64 { return bits.RotateLeft64(v, -n) }

func shiftMix(v uint64) uint64 { return v ^ v>>47 }

func farmPair(u, v, mul uint64) uint64 {
	a := shiftMix((u ^ v) * mul)
	return shiftMix((v^a)*mul) * mul
}

func fingerprint(s []byte) uint64 {
	switch n := len(s); {
	case n <= 16:
		return farmShort(s)
	case n <= 32:
		mul := farm2 + uint64(n)*2
		a, b, c, d := fetch(s, 0)*farm1, fetch(s, 8), fetch(s, n-8)*mul, fetch(s, n-16)*farm2
		return farmPair(right(a+b, 43)+right(c, 30)+d, a+right(b+farm2, 18)+c, mul)
	case n <= 64:
		return farmMedium(s)
	}
	return farmLong(s)
}

func farmShort(s []byte) uint64 {
	n := len(s)
	mul := farm2 + uint64(n)*2
	switch {
	case n >= 8:
		a, b := fetch(s, 0)+farm2, fetch(s, n-8)
		return farmPair(right(b, 37)*mul+a, (right(a, 25)+b)*mul, mul)
	case n >= 4:
		a := uint64(binary.LittleEndian.Uint32(s))
		return farmPair(uint64(n)+a<<3, uint64(binary.LittleEndian.Uint32(s[n-4:])), mul)
	case n > 0:
		y := uint64(s[0]) + uint64(s[n>>1])<<8
		z := uint64(n) + uint64(s[n-1])<<2
		return shiftMix(y*farm2^z*farm0) * farm2
	}
	return farm2
}

func farmMedium(s []byte) uint64 {
	n := len(s)
	mul := farm2 + uint64(n)*2
	a, b, c, d := fetch(s, 0)*farm2, fetch(s, 8), fetch(s, n-8)*mul, fetch(s, n-16)*farm2
	y := right(a+b, 43) + right(c, 30) + d
	z := farmPair(y, a+right(b+farm2, 18)+c, mul)
	e, f := fetch(s, 16)*mul, fetch(s, 24)
	g, h := (y+fetch(s, n-32))*mul, (z+fetch(s, n-24))*mul
	return farmPair(right(e+f, 43)+right(g, 30)+h, e+right(f+a, 18)+g, mul)
}

// farmWeak mixes 32 bytes with two seeds.
func farmWeak(s []byte, a, b uint64) (uint64, uint64) {
	w, x, y, z := fetch(s, 0), fetch(s, 8), fetch(s, 16), fetch(s, 24)
	a += w
	b = right(b+a+z, 21)
	c := a
	a += x + y
	return a + z, b + right(a, 44) + c
}

func farmLong(s []byte) uint64 {
	n := len(s)
	x := uint64(81)
	y := x*farm1 + 113
	z := shiftMix(y*farm2+113) * farm2
	var v1, v2, w1, w2 uint64
	x = x*farm2 + fetch(s, 0)
	block := func(s []byte, mul, nine uint64) {
		x = right(x+y+v1+fetch(s, 8), 37) * mul
		y = right(y+v2+fetch(s, 48), 42) * mul
		x ^= w2 * nine
		y += v1*nine + fetch(s, 40)
		z = right(z+w1, 33) * mul
		v1, v2 = farmWeak(s, v2*mul, x+w1)
		w1, w2 = farmWeak(s[32:], z+w2, y+fetch(s, 16))
		z, x = x, z
	}
	for i := 0; i < (n-1)/64*64; i += 64 {
		block(s[i:], farm1, 1)
	}
	mul := farm1 + (z&0xff)<<1
	w1 += uint64(n-1) & 63
	v1 += w1
	w1 += v1
	block(s[n-64:], mul, 9)
	return farmPair(farmPair(v1, w1, mul)+shiftMix(y)*farm0+z, farmPair(v2, w2, mul)+x, mul)
}
