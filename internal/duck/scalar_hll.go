package duck

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// Sketches are those of Apache DataSketches with 2^15 registers, as Redshift's
// are. Each value gives a coupon: an address, the low 26 bits of its hash, and a
// rank, one more than the leading zeros of the hash's second half. A sketch is
// kept as the text that Redshift prints: sparse, all its coupons as JSON, up to
// 3,072 of them; then dense, in base64 a header of four bytes (not documented;
// ours has version and logm) and the registers, six bits each: 24,580 bytes
// (Redshift, "HLLSKETCH type").
const (
	hllVersion = 1
	hllBits    = 15
	hllSize    = 1 << hllBits
	hllAddress = 26 // bits of a coupon below its rank
	hllSparse  = 3072
	hllRank    = 6 // bits of a register
	hllHeader  = 4
)

// hll is a sketch. registers is nil while it is sparse.
type hll struct {
	coupons   map[uint32]struct{}
	registers []byte
}

func (h *hll) add(coupon uint32) {
	if h.registers != nil {
		slot := coupon % hllSize
		h.registers[slot] = max(h.registers[slot], byte(coupon>>hllAddress))
		return
	}
	h.coupons[coupon] = struct{}{}
	if len(h.coupons) > hllSparse {
		h.registers = make([]byte, hllSize)
		for c := range h.coupons {
			h.add(c)
		}
		h.coupons = nil
	}
}

// hllCoupon gives the coupon of a value. Blanks at the end of a text do not count.
func hllCoupon(args []Vector, row int, out *output) error {
	data := raw(&args[0], row)
	if args[0].Type.Kind == Varchar {
		data = bytes.TrimRight(data, " ")
	}
	low, high := murmur128(data, uint64(args[1].Int(row)))
	rank := uint64(min(bits.LeadingZeros64(high), 62) + 1)
	out.bigint(row, int64(rank<<hllAddress|low%(1<<hllAddress)))
	return nil
}

// hllSketch makes a sketch of coupons written in decimal with commas between.
func hllSketch(args []Vector, row int, out *output) error {
	h := hll{coupons: map[uint32]struct{}{}}
	for word := range bytes.SplitSeq(args[0].Bytes(row), []byte{','}) {
		coupon, err := strconv.ParseUint(string(word), 10, 32)
		if err != nil {
			return err
		}
		h.add(uint32(coupon))
	}
	return h.write(row, out)
}

// hllCombine merges sketches, one a line.
func hllCombine(args []Vector, row int, out *output) error {
	h := hll{coupons: map[uint32]struct{}{}}
	for line := range bytes.SplitSeq(args[0].Bytes(row), []byte{'\n'}) {
		if err := h.read(line); err != nil {
			return err
		}
	}
	return h.write(row, out)
}

// hllCardinality estimates the number of distinct values: the number of coupons
// while the sketch is sparse, else by the share of empty registers while many are
// empty, else by the harmonic mean.
func hllCardinality(args []Vector, row int, out *output) error {
	h := hll{coupons: map[uint32]struct{}{}}
	if err := h.read(args[0].Bytes(row)); err != nil {
		return err
	}
	if h.registers == nil {
		out.bigint(row, int64(len(h.coupons)))
		return nil
	}
	const m = float64(hllSize)
	var sum, empty float64
	for _, v := range h.registers {
		sum += math.Ldexp(1, -int(v))
		if v == 0 {
			empty++
		}
	}
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 {
		estimate = m * math.Log(m/empty)
	}
	out.bigint(row, int64(math.Round(estimate)))
	return nil
}

type sparseSketch struct {
	Version int    `json:"version"`
	LogM    int    `json:"logm"`
	Sparse  *pairs `json:"sparse"`
}

// pairs are the addresses and ranks of coupons, in the order of the addresses.
type pairs struct {
	Indices []uint32 `json:"indices"`
	Values  []uint32 `json:"values"`
}

type errSketch struct{}

func (errSketch) Error() string { return "22023:invalid HLL sketch" }

// read adds what the text of a sketch has seen.
func (h *hll) read(text []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return h.readDense(text)
	}
	var s sparseSketch
	if err := json.Unmarshal(text, &s); err != nil || s.LogM != hllBits || s.Sparse == nil || len(s.Sparse.Indices) != len(s.Sparse.Values) {
		return errSketch{}
	}
	for i, address := range s.Sparse.Indices {
		rank := s.Sparse.Values[i]
		if address >= 1<<hllAddress || rank == 0 || rank >= 1<<hllRank {
			return errSketch{}
		}
		h.add(rank<<hllAddress | address)
	}
	return nil
}

func (h *hll) readDense(text []byte) error {
	data, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(text))
	if err != nil || len(data) != hllHeader+hllSize*hllRank/8 || data[0] != hllVersion || data[1] != hllBits {
		return errSketch{}
	}
	data = data[hllHeader:]
	for slot := uint32(0); slot < hllSize; slot += 4 {
		for i, word := uint32(0), uint32(data[0])|uint32(data[1])<<8|uint32(data[2])<<16; i < 4; i, word = i+1, word>>hllRank {
			if rank := word % (1 << hllRank); rank > 0 {
				h.add(rank<<hllAddress | slot + i)
			}
		}
		data = data[3:]
	}
	return nil
}

func (h *hll) write(row int, out *output) error {
	if h.registers != nil {
		out.text(row, h.dense())
		return nil
	}
	list := make([]uint32, 0, len(h.coupons))
	for c := range h.coupons {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(a%(1<<hllAddress), b%(1<<hllAddress)), cmp.Compare(a, b))
	})
	p := pairs{[]uint32{}, []uint32{}}
	for _, c := range list {
		p.Indices, p.Values = append(p.Indices, c%(1<<hllAddress)), append(p.Values, c>>hllAddress)
	}
	text, err := json.Marshal(sparseSketch{hllVersion, hllBits, &p})
	if err != nil {
		return err
	}
	out.text(row, text)
	return nil
}

func (h *hll) dense() []byte {
	data := []byte{hllVersion, hllBits, 0, 0}
	for slot := 0; slot < hllSize; slot += 4 {
		r := h.registers[slot : slot+4]
		word := uint32(r[0]) | uint32(r[1])<<hllRank | uint32(r[2])<<(2*hllRank) | uint32(r[3])<<(3*hllRank)
		data = append(data, byte(word), byte(word>>8), byte(word>>16))
	}
	return base64.StdEncoding.AppendEncode(nil, data)
}

// murmur128 is MurmurHash3_x64_128.
func murmur128(data []byte, seed uint64) (a, b uint64) {
	const c1, c2 uint64 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	mixA := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	mixB := func(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }
	a, b = seed, seed
	n := uint64(len(data))
	for ; len(data) >= 16; data = data[16:] {
		a = (bits.RotateLeft64(a^mixA(binary.LittleEndian.Uint64(data)), 27)+b)*5 + 0x52dce729
		b = (bits.RotateLeft64(b^mixB(binary.LittleEndian.Uint64(data[8:])), 31)+a)*5 + 0x38495ab5
	}
	var tail [16]byte
	copy(tail[:], data)
	b ^= mixB(binary.LittleEndian.Uint64(tail[8:])) ^ n
	a ^= mixA(binary.LittleEndian.Uint64(tail[:])) ^ n
	a += b
	b += a
	final := func(k uint64) uint64 {
		k = (k ^ k>>33) * 0xff51afd7ed558ccd
		k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
		return k ^ k>>33
	}
	a, b = final(a), final(b)
	a += b
	return a, b + a
}
