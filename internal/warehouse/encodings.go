package warehouse

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/klauspost/compress/zstd"
	"stepwell/internal/rsql/types"
)

// sample is a column's values for ANALYZE COMPRESSION, in the order of the
// table: numbers for the types of a fixed width, texts for the others. A NULL is
// a zero or an empty text, as it is in a block.
type sample struct {
	width   int // of a number, in bytes; 0 for texts
	prefix  int // of a text: the bytes that say its length
	numbers []int64
	texts   []string
}

// blockSize is the size of a Redshift block: dictionaries are one a block.
const blockSize = 1 << 20

// raw is the size of a value without encoding.
func (s *sample) raw(i int) int {
	if s.width > 0 {
		return s.width
	}
	return s.prefix + len(s.texts[i])
}

func (s *sample) len() int { return max(len(s.numbers), len(s.texts)) }

func (s *sample) size() int {
	n := 0
	for i := range s.len() {
		n += s.raw(i)
	}
	return n
}

// blocks calls f for the values of each block.
func (s *sample) blocks(f func(part *sample)) {
	from, n := 0, 0
	for i := range s.len() {
		if n+s.raw(i) > blockSize && n > 0 {
			f(s.part(from, i))
			from, n = i, 0
		}
		n += s.raw(i)
	}
	if from < s.len() {
		f(s.part(from, s.len()))
	}
}

func (s *sample) part(from, to int) *sample {
	out := &sample{width: s.width, prefix: s.prefix}
	if s.width > 0 {
		out.numbers = s.numbers[from:to]
	} else {
		out.texts = s.texts[from:to]
	}
	return out
}

// bytes are the values as they stand in a block without encoding.
func (s *sample) bytes() []byte {
	var out []byte
	for i := range s.len() {
		if s.width > 0 {
			word := binary.LittleEndian.AppendUint64(nil, uint64(s.numbers[i]))
			for range s.width - 8 { // the upper half of a wide decimal
				word = append(word, byte(s.numbers[i]>>63))
			}
			out = append(out, word[:s.width]...)
			continue
		}
		if s.prefix > 0 {
			out = binary.LittleEndian.AppendUint32(out, uint32(len(s.texts[i])))
		}
		out = append(out, s.texts[i]...)
	}
	return out
}

// encoded is the size of a block in an encoding of the page "Compression
// encodings" of the guide.
type encoded struct {
	name string
	size func(s *sample, z *zstd.Encoder) int
}

// encodingsOf are the encodings that a type can have, the preferred first.
func encodingsOf(t types.Type) []encoded {
	az64 := encoded{"az64", az64Size}
	byteDict := encoded{"bytedict", func(s *sample, _ *zstd.Encoder) int { return byteDictSize(s) }}
	runLength := encoded{"runlength", func(s *sample, _ *zstd.Encoder) int { return runLengthSize(s) }}
	zstandard := encoded{"zstd", func(s *sample, z *zstd.Encoder) int { return len(z.EncodeAll(s.bytes(), nil)) }}
	delta := encoded{"delta", func(s *sample, _ *zstd.Encoder) int { return deltaSize(s, 1) }}
	delta32k := encoded{"delta32k", func(s *sample, _ *zstd.Encoder) int { return deltaSize(s, 2) }}
	mostly := func(list ...int) (out []encoded) {
		for _, width := range list {
			out = append(out, encoded{"mostly" + map[int]string{1: "8", 2: "16", 4: "32"}[width], func(s *sample, _ *zstd.Encoder) int { return mostlySize(s, width) }})
		}
		return out
	}
	switch t.Kind {
	case types.Smallint:
		return append([]encoded{az64, zstandard, runLength, byteDict, delta}, mostly(1)...)
	case types.Integer:
		return append([]encoded{az64, zstandard, runLength, byteDict, delta, delta32k}, mostly(1, 2)...)
	case types.Bigint, types.Decimal:
		return append([]encoded{az64, zstandard, runLength, byteDict, delta, delta32k}, mostly(1, 2, 4)...)
	case types.Date, types.Timestamp, types.TimestampTZ:
		return []encoded{az64, zstandard, runLength, byteDict, delta, delta32k}
	case types.Time, types.TimeTZ:
		return []encoded{az64, zstandard, runLength}
	case types.Real, types.Double, types.Char:
		return []encoded{zstandard, runLength, byteDict}
	case types.Varchar:
		return []encoded{zstandard, runLength, byteDict,
			{"text255", func(s *sample, _ *zstd.Encoder) int { return wordsSize(s, 245, blockSize, 1) }},
			{"text32k", func(s *sample, _ *zstd.Encoder) int { return wordsSize(s, 1<<15, 32<<10, 2) }}}
	case types.Boolean:
		return []encoded{zstandard, runLength}
	}
	return []encoded{zstandard}
}

// az64Size packs groups of 64 values into the bits that their range takes. The
// format of AZ64 is not published beyond "smaller groups of data values".
func az64Size(s *sample, _ *zstd.Encoder) int {
	n := 0
	for from := 0; from < len(s.numbers); from += 64 {
		group := s.numbers[from:min(from+64, len(s.numbers))]
		low, high := group[0], group[0]
		for _, v := range group {
			low, high = min(low, v), max(high, v)
		}
		n += s.width + 1 + (bits.Len64(uint64(high)-uint64(low))*len(group)+7)/8
	}
	return n
}

// byteDictSize has an index of a byte for up to 256 values; others stay as they are.
func byteDictSize(s *sample) int {
	known := map[any]bool{}
	n := 0
	for i := range s.len() {
		key := s.key(i)
		if !known[key] && len(known) < 256 {
			known[key] = true
			n += s.raw(i)
		}
		n++
		if !known[key] {
			n += s.raw(i)
		}
	}
	return n
}

func (s *sample) key(i int) any {
	if s.width > 0 {
		return s.numbers[i]
	}
	return s.texts[i]
}

// runLengthSize has a count of a byte before each value that repeats.
func runLengthSize(s *sample) int {
	n, run := 0, 0
	for i := range s.len() {
		if i > 0 && run < 255 && s.key(i) == s.key(i-1) {
			run++
			continue
		}
		n += 1 + s.raw(i)
		run = 1
	}
	return n
}

// deltaSize keeps differences in width bytes, and a value whose difference does
// not fit whole behind a flag.
func deltaSize(s *sample, width int) int {
	n := s.width
	limit := int64(1)<<(8*width-1) - 1
	for i := 1; i < len(s.numbers); i++ {
		d := s.numbers[i] - s.numbers[i-1]
		fits := d >= -limit && d <= limit && (d >= 0) == (s.numbers[i] >= s.numbers[i-1])
		n += width
		if !fits {
			n += s.width
		}
	}
	return n
}

// mostlySize keeps values in width bytes, and those that do not fit whole.
func mostlySize(s *sample, width int) int {
	n := 0
	limit := int64(1) << (8*width - 1)
	for _, v := range s.numbers {
		n += width
		if v < -limit || v >= limit {
			n += s.width
		}
	}
	return n
}

// wordsSize has an index for the first words of a block; others stay as they are.
func wordsSize(s *sample, words, room, index int) int {
	known := map[string]bool{}
	n := 0
	for _, t := range s.texts {
		n += index
		for word := range strings.SplitSeq(t, " ") {
			if !known[word] && len(known) < words && len(word) < room {
				known[word] = true
				room -= len(word)
				n += len(word) + 1
			}
			n += index
			if !known[word] {
				n += len(word)
			}
		}
	}
	return n
}

// suggested is the encoding that makes the sample smallest, and its size.
func (s *sample) suggested(t types.Type, z *zstd.Encoder) (name string, size int) {
	candidates := encodingsOf(t)
	sizes := make([]int, len(candidates))
	s.blocks(func(part *sample) {
		for i, c := range candidates {
			sizes[i] += c.size(part, z)
		}
	})
	name, size = "raw", s.size()
	for i, c := range candidates {
		if sizes[i] < size {
			name, size = c.name, sizes[i]
		}
	}
	return name, size
}
