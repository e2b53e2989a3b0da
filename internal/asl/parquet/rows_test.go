package parquet

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

type inner struct {
	A int64    `parquet:"a"`
	B []string `parquet:"b,list"`
}

type everything struct {
	Flag    bool             `parquet:"flag"`
	Small   int32            `parquet:"small"`
	Byte    uint8            `parquet:"byte"`
	Big     uint64           `parquet:"big"`
	Real    float32          `parquet:"real"`
	Double  float64          `parquet:"double"`
	Text    string           `parquet:"text"`
	Maybe   *string          `parquet:"maybe,optional"`
	Bytes   []byte           `parquet:"bytes"`
	Money   int64            `parquet:"money,decimal(2:18)"`
	Day     int32            `parquet:"day,date"`
	Millis  time.Time        `parquet:"millis,timestamp(millisecond)"`
	Micros  time.Time        `parquet:"micros,timestamp(microsecond)"`
	ID      [16]byte         `parquet:"id,uuid"`
	List    []int64          `parquet:"list,list"`
	Plain   []int32          `parquet:"plain"`
	Map     map[string]int64 `parquet:"map"`
	Nested  inner            `parquet:"nested"`
	Absent  *inner           `parquet:"absent,optional"`
	Objects []inner          `parquet:"objects,list"`
}

func examples() []everything {
	at := time.Date(2024, 2, 29, 13, 45, 6, 789000000, time.UTC)
	return []everything{
		{Flag: true, Small: -7, Byte: 200, Big: 1<<64 - 1, Real: 1.5, Double: 1e22, Text: "häß\"", Maybe: new("x"), Bytes: []byte{0xff, 0}, Money: -105,
			Day: 19782, Millis: at, Micros: at.Add(123 * time.Microsecond), ID: [16]byte{1, 2, 3}, List: []int64{1, 2}, Plain: []int32{3, 4},
			Map: map[string]int64{"k": 9}, Nested: inner{5, []string{"p", "q"}}, Absent: &inner{}, Objects: []inner{{1, nil}, {2, []string{"r"}}}},
		{Bytes: []byte("text"), Money: 5, Millis: time.Unix(0, 0), Micros: time.Unix(-1, 0)},
	}
}

const (
	first = `{"flag":true,"small":-7,"byte":200,"big":18446744073709551615,"real":1.5,"double":1e+22,"text":"häß\"","maybe":"x","bytes":"/wA=",` +
		`"money":-1.05,"day":"2024-02-29","millis":"2024-02-29T13:45:06.789Z","micros":"2024-02-29T13:45:06.789123Z",` +
		`"id":"01020300-0000-0000-0000-000000000000","list":[1,2],"plain":[3,4],"map":{"k":9},"nested":{"a":5,"b":["p","q"]},` +
		`"absent":{"a":0,"b":[]},"objects":[{"a":1,"b":[]},{"a":2,"b":["r"]}]}`
	second = `{"flag":false,"small":0,"byte":0,"big":0,"real":0,"double":0,"text":"","maybe":null,"bytes":"text","money":0.05,"day":"1970-01-01",` +
		`"millis":"1970-01-01T00:00:00Z","micros":"1969-12-31T23:59:59Z","id":"00000000-0000-0000-0000-000000000000","list":[],` +
		`"plain":[],"map":{},"nested":{"a":0,"b":[]},"absent":null,"objects":[]}`
)

func file(t testing.TB, rows []everything, codec compress.Codec) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pq.NewGenericWriter[everything](&b, pq.Compression(codec), pq.MaxRowsPerRowGroup(100))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(data []byte) ([]string, error) {
	rows, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for {
		row, err := rows.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, string(row))
	}
}

// TestRows reads every type, with every compression that AWS names, over
// several row groups and more rows than are decoded at once.
func TestRows(t *testing.T) {
	for name, codec := range map[string]compress.Codec{"none": &pq.Uncompressed, "snappy": &pq.Snappy, "gzip": &pq.Gzip, "zstd": &pq.Zstd, "lz4": &pq.Lz4Raw} {
		t.Run(name, func(t *testing.T) {
			var rows []everything
			for range 150 {
				rows = append(rows, examples()...)
			}
			got, err := read(file(t, rows, codec))
			if err != nil || len(got) != len(rows) {
				t.Fatalf("%d rows, %v", len(got), err)
			}
			for i, row := range got {
				if want := [...]string{first, second}[i%2]; row != want {
					t.Fatalf("row %d:\n%s\nwant:\n%s", i, row, want)
				}
			}
		})
	}
}

// TestLists reads lists as files have them that other writers made.
func TestLists(t *testing.T) {
	whole := func(v int64, repetition, definition int) pq.Value {
		return pq.Int64Value(v).Level(repetition, definition, 0)
	}
	for _, c := range []struct {
		name string
		node pq.Node
		row  pq.Row
		want string
	}{
		{"list of optional elements", pq.Optional(pq.List(pq.Optional(pq.Int(64)))),
			pq.Row{whole(1, 0, 3), pq.NullValue().Level(1, 2, 0), whole(2, 1, 3)}, `{"l":[1,null,2]}`},
		{"list that is null", pq.Optional(pq.List(pq.Optional(pq.Int(64)))), pq.Row{pq.NullValue().Level(0, 0, 0)}, `{"l":null}`},
		{"list that is empty", pq.Optional(pq.List(pq.Optional(pq.Int(64)))), pq.Row{pq.NullValue().Level(0, 1, 0)}, `{"l":[]}`},
		{"list of lists", pq.List(pq.List(pq.Int(64))), pq.Row{whole(1, 0, 2), whole(2, 2, 2), whole(3, 1, 2), pq.NullValue().Level(1, 1, 0)}, `{"l":[[1,2],[3],[]]}`},
		{"repeated", pq.Repeated(pq.Int(64)), pq.Row{whole(1, 0, 1), whole(2, 1, 1)}, `{"l":[1,2]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			w := pq.NewWriter(&b, pq.NewSchema("s", pq.Group{"l": c.node}))
			if _, err := w.WriteRows([]pq.Row{c.row}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := read(b.Bytes())
			if err != nil || len(got) != 1 || got[0] != c.want {
				t.Errorf("got %v, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestNoParquet(t *testing.T) {
	good := file(t, examples(), &pq.Snappy)
	for name, c := range map[string]struct{ data, want string }{
		"short":     {"PAR1", "too short"},
		"text":      {"a,b,c\n1,2,3\n4,5,6\n", "PAR1"},
		"encrypted": {"PAR1....\x04\x00\x00\x00PARE", "not implemented: encrypted"},
		"footer":    {"PAR1....\xff\xff\xff\x7fPAR1", "footer"},
		"damaged":   {string(good[:100]) + strings.Repeat("\xff", 400) + string(good[500:]), "cannot read"},
	} {
		if _, err := read([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzRows: a damaged file is an error, not a panic.
func FuzzRows(f *testing.F) {
	f.Add(file(f, examples(), &pq.Uncompressed))
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = read(data) })
}
