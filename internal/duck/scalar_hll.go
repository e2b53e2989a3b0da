package duck

import (
	"bytes"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// A HyperLogLog sketch has 2^15 registers, as Redshift's have. It is kept as
// the JSON Redshift prints: sparse, as the registers that are set, until dense
// is shorter. The values depend on the hash, which AWS does not document, so
// sketches are not those of a real cluster; what they estimate is.
const (
	hllBits   = 15
	hllSize   = 1 << hllBits
	hllSparse = hllSize / 8 // registers set up to which a sketch is sparse
)

type sketch struct {
	Version int        `json:"version"`
	LogM    int        `json:"logm"`
	Sparse  *sparseHLL `json:"sparse,omitempty"`
	Dense   *denseHLL  `json:"dense,omitempty"`
}

type sparseHLL struct {
	Indices []int `json:"indices"`
	Values  []int `json:"values"`
}

type denseHLL struct {
	Registers []int `json:"registers"`
}

// hllSketch makes a sketch of hashes written in decimal with commas between.
func hllSketch(args []Vector, row int, out *output) error {
	registers := map[int]int{}
	for _, word := range bytes.Split(args[0].Bytes(row), []byte{','}) {
		h, err := strconv.ParseInt(string(word), 10, 64)
		if err != nil {
			continue
		}
		index, rest := int(uint64(h)>>(64-hllBits)), uint64(h)<<hllBits|1<<(hllBits-1)
		registers[index] = max(registers[index], bits.LeadingZeros64(rest)+1)
	}
	return writeSketch(registers, row, out)
}

// hllCombine merges sketches, one a line.
func hllCombine(args []Vector, row int, out *output) error {
	merged := map[int]int{}
	for _, line := range bytes.Split(args[0].Bytes(row), []byte{'\n'}) {
		registers, err := readSketch(line)
		if err != nil {
			return err
		}
		for i, v := range registers {
			merged[i] = max(merged[i], v)
		}
	}
	return writeSketch(merged, row, out)
}

// hllCardinality estimates the number of distinct values: by the share of empty
// registers while many are empty, else by the harmonic mean.
func hllCardinality(args []Vector, row int, out *output) error {
	registers, err := readSketch(args[0].Bytes(row))
	if err != nil {
		return err
	}
	const m = float64(hllSize)
	sum := m - float64(len(registers))
	empty := sum
	for _, v := range registers {
		sum += math.Pow(2, -float64(v))
	}
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 {
		estimate = m * math.Log(m/empty)
	}
	out.bigint(row, int64(math.Round(estimate)))
	return nil
}

func readSketch(text []byte) (map[int]int, error) {
	var s sketch
	if err := json.Unmarshal(text, &s); err != nil || s.LogM != hllBits || s.Sparse == nil && s.Dense == nil {
		return nil, errSketch{}
	}
	registers := map[int]int{}
	if s.Dense != nil {
		for i, v := range s.Dense.Registers {
			if v > 0 {
				registers[i] = v
			}
		}
		return registers, nil
	}
	for i, index := range s.Sparse.Indices {
		if i < len(s.Sparse.Values) {
			registers[index] = s.Sparse.Values[i]
		}
	}
	return registers, nil
}

type errSketch struct{}

func (errSketch) Error() string { return "22023:invalid HLL sketch" }

func writeSketch(registers map[int]int, row int, out *output) error {
	s := sketch{Version: 1, LogM: hllBits}
	if len(registers) <= hllSparse {
		s.Sparse = &sparseHLL{Indices: []int{}, Values: []int{}}
		for index := range registers {
			s.Sparse.Indices = append(s.Sparse.Indices, index)
		}
		slices.Sort(s.Sparse.Indices)
		for _, index := range s.Sparse.Indices {
			s.Sparse.Values = append(s.Sparse.Values, registers[index])
		}
	} else {
		s.Dense = &denseHLL{Registers: make([]int, hllSize)}
		for index, v := range registers {
			s.Dense.Registers[index] = v
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	out.text(row, text)
	return nil
}
