package records

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// avroFile reads an Avro object container file (Avro specification 1.11). A
// record becomes a JSON object, of which the columns are picked as from JSON.
type avroFile struct {
	in     *bufio.Reader
	schema *avroType
	codec  string
	sync   [16]byte
	block  avroBuffer
	left   int64
	count  int64
	row    picker
	doc    []byte
	write  avroWriter
}

// avroBlock is the longest block, and the longest value in one, accepted.
const avroBlock = 256 << 20

var errAvro = errors.New("broken Avro data")

func openAvro(s *Spec, in io.Reader) (source, error) {
	a := &avroFile{in: bufio.NewReaderSize(in, 1<<18), row: newPicker(s), write: avroWriter{logical: s.Logical}}
	var magic [4]byte
	if _, err := io.ReadFull(a.in, magic[:]); err != nil || string(magic[:]) != "Obj\x01" {
		return nil, errors.New("not an Avro object container file")
	}
	meta, err := a.metadata()
	if err != nil {
		return nil, err
	}
	a.codec = string(meta["avro.codec"])
	if _, err := io.ReadFull(a.in, a.sync[:]); err != nil {
		return nil, err
	}
	a.schema, err = parseAvro(meta["avro.schema"])
	return a, err
}

func (a *avroFile) metadata() (map[string][]byte, error) {
	meta := map[string][]byte{}
	for {
		n, err := binary.ReadVarint(a.in)
		if err != nil || n == 0 {
			return meta, err
		}
		if n < 0 {
			if n = -n; n < 0 {
				return nil, errAvro
			}
			if _, err := binary.ReadVarint(a.in); err != nil {
				return nil, err
			}
		}
		for range n {
			key, err := a.bytes()
			if err != nil {
				return nil, err
			}
			if meta[string(key)], err = a.bytes(); err != nil {
				return nil, err
			}
		}
	}
}

func (a *avroFile) bytes() ([]byte, error) {
	n, err := binary.ReadVarint(a.in)
	if err != nil {
		return nil, err
	}
	return readN(a.in, n)
}

// readN reads n bytes without trusting n before they are there.
func readN(in io.Reader, n int64) ([]byte, error) {
	if n < 0 || n > avroBlock {
		return nil, errAvro
	}
	var out bytes.Buffer
	if m, err := io.CopyN(&out, in, n); err != nil || m != n {
		return nil, errors.Join(errAvro, err)
	}
	return out.Bytes(), nil
}

func (a *avroFile) next(r *Record) error {
	for a.left == 0 {
		if err := a.nextBlock(); err != nil {
			return err
		}
	}
	a.left--
	a.count++
	r.Line = a.count
	a.doc = a.write.value(a.doc[:0], a.schema, &a.block, 0)
	if a.block.bad {
		return errAvro
	}
	r.Raw = a.doc
	fields, f := a.row.pick(a.doc)
	if f != nil {
		return f
	}
	r.Fields = fields
	return nil
}

func (a *avroFile) nextBlock() error {
	count, err := binary.ReadVarint(a.in)
	if err != nil {
		return err
	}
	data, err := a.bytes()
	if err != nil {
		return err
	}
	var sync [16]byte
	if _, err := io.ReadFull(a.in, sync[:]); err != nil {
		return err
	}
	if sync != a.sync || count < 0 {
		return errAvro
	}
	if a.block.data, err = avroUnpack(a.codec, data); err != nil {
		return err
	}
	a.block.at, a.left = 0, count
	return nil
}

func avroUnpack(codec string, data []byte) ([]byte, error) {
	switch codec {
	case "", "null":
		return data, nil
	case "snappy":
		if len(data) < 4 {
			return nil, errAvro
		}
		data = data[:len(data)-4] // a checksum follows
	case "deflate", "bzip2", "zstandard":
	default:
		return nil, fmt.Errorf("cannot read the Avro codec %q", codec)
	}
	return unpack(codec, data, avroBlock, errAvro)
}

// avroBuffer is a block's data being read. A read past its end sets bad.
type avroBuffer struct {
	data []byte
	at   int
	bad  bool
}

func (b *avroBuffer) take(n int64) []byte {
	if n < 0 || n > int64(len(b.data)-b.at) {
		b.bad = true
		return nil
	}
	b.at += int(n)
	return b.data[b.at-int(n) : b.at]
}

func (b *avroBuffer) long() int64 {
	v, n := binary.Varint(b.data[b.at:])
	if n <= 0 {
		b.bad = true
		return 0
	}
	b.at += n
	return v
}
