package lake

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/rsql/emit"
)

func TestTypeOf(t *testing.T) {
	for hive, want := range map[string]string{
		"string": "character varying(65535)", "varchar(20)": "character varying(20)", "char(3)": "character(3)", "int": "integer",
		"tinyint": "smallint", "bigint": "bigint", "float": "real", "double": "double precision", "decimal": "numeric(10,0)",
		"decimal(12, 2)": "numeric(12,2)", "timestamp": "timestamp without time zone", "DATE": "date", "binary": "binary varying(64000)",
		"struct<a:int>": "struct<a:int>", "array<string>": "array<string>", "uniontype": "error",
	} {
		typ, err := TypeOf(hive)
		got := typ.String()
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", hive, got, want)
		}
	}
}

func TestHidden(t *testing.T) {
	for key, want := range map[string]bool{
		"a/b.parquet": false, "a/_SUCCESS": true, "a/.crc": true, "a/#x": true, "a/b~": true, "a/": true, "": true,
		"a/b_$folder$": true, "_a/b": false,
	} {
		if got := Hidden(key); got != want {
			t.Errorf("%q: got %t", key, got)
		}
	}
}

func TestFormats(t *testing.T) {
	for word, want := range map[string]Format{"parquet": Parquet, "TEXTFILE": Delimited, "orc": ORC, "avro": Avro, "rcfile": RCFile, "sequencefile": SequenceFile} {
		s, err := StoredAs(word)
		if err != nil || s.Format() != want {
			t.Errorf("%s: %v %v", word, s.Format(), err)
		}
	}
	if _, err := StoredAs("excel"); err == nil {
		t.Error("stored as excel")
	}
	if f := (Storage{SerDe: "org.apache.hadoop.hive.serde2.OpenCSVSerde"}).Format(); f != CSV {
		t.Error(f)
	}
}

// TestSource looks at the DuckDB text of reads.
func TestSource(t *testing.T) {
	parquet, _ := StoredAs("parquet")
	text, _ := StoredAs("textfile")
	orc, _ := StoredAs("orc")
	rcfile, _ := StoredAs("rcfile")
	columns := []Column{{Name: "ID", Type: "int"}, {Name: "name", Type: "varchar(10)"}}
	keys := []Column{{Name: "year", Type: "int"}}
	hive := Slice{Values: []string{"2024"}, Files: []File{{URI: "s3://b/t/year=2024/f", Path: "/d/t/year=2024/f", Size: 9}}}
	odd := Slice{Values: []string{nullPartition}, Files: []File{{URI: "s3://b/else/f", Path: "/d/else/f"}}}
	for _, x := range []struct {
		name      string
		table     Table
		slices    []Slice
		wanted    []string
		has, lack []string
	}{
		{"hive folders are one read", Table{Columns: columns, PartitionKeys: keys, Storage: parquet}, []Slice{hive, hive}, nil,
			[]string{"read_parquet(['/d/t/year=2024/f', '/d/t/year=2024/f']", "hive_types", `CAST("year" AS INTEGER) AS "year"`, "UNION ALL BY NAME"}, []string{"filename"}},
		{"other locations have constants", Table{Columns: columns, PartitionKeys: keys, Storage: parquet}, []Slice{hive, odd}, nil,
			[]string{"CAST('2024' AS INTEGER)", "CAST(NULL AS INTEGER)", "UNION ALL "}, []string{"hive_types"}},
		{"only wanted columns", Table{Columns: columns, PartitionKeys: keys, Storage: parquet}, []Slice{hive}, []string{"id", "$size"},
			[]string{`AS "id"`, `AS "$size"`, "filename"}, []string{`"name"`, "$path"}},
		{"no files", Table{Columns: columns, PartitionKeys: keys, Storage: parquet}, nil, nil,
			[]string{`CAST(NULL AS INTEGER) AS "id"`, "WHERE FALSE"}, []string{"read_"}},
		{"text", Table{Columns: columns, Storage: text, Parameters: map[string]string{"skip.header.line.count": "1"}}, []Slice{{Files: hive.Files}}, nil,
			[]string{"read_csv(", "skip", "'\x01'", `'\N'`, `TRY_CAST("id" AS INTEGER)`}, []string{"hive_types"}},
		{"orc", Table{Columns: columns, Storage: orc}, []Slice{odd}, []string{"name"}, []string{"stepwell_records", `"Format":"orc"`, `"Name":"name"`, `TRY_CAST("c0" AS VARCHAR)`}, []string{`"Name":"id"`}},
		{"rcfile", Table{Columns: columns, Storage: rcfile}, []Slice{odd}, nil, []string{"error: external tables in RCFILE are not supported"}, nil},
		{"bad type", Table{Columns: []Column{{Name: "a", Type: "money"}}, Storage: parquet}, nil, nil, []string{"error: column a"}, nil},
	} {
		got := ""
		if source, err := Source(&x.table, x.slices, x.wanted); err != nil {
			got = "error: " + err.Error()
		} else {
			got = emit.TableSQL(source)
		}
		for _, part := range x.has {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in\n%s", x.name, part, got)
			}
		}
		for _, part := range x.lack {
			if strings.Contains(got, part) {
				t.Errorf("%s: %q in\n%s", x.name, part, got)
			}
		}
	}
}

func TestFiles(t *testing.T) {
	d := DirObjects{Root: t.TempDir()}
	ctx := context.Background()
	for _, name := range []string{"b/t/one", "b/t/two/three", "b/t/_SUCCESS", "b/tt/four"} {
		path := filepath.Join(d.Root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for location, want := range map[string]string{
		"s3://b/t/": "s3://b/t/one s3://b/t/two/three", "s3://b/t": "s3://b/t/one s3://b/t/two/three", "s3://b/t/one": "s3://b/t/one",
		"s3://b/none/": "", "s3://nobucket/": "error", "file:///x": "error",
	} {
		files, err := Files(ctx, d, location)
		var uris []string
		for _, f := range files {
			uris = append(uris, f.URI)
		}
		got := strings.Join(uris, " ")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s (%v)", location, got, want, err)
		}
	}
}

func TestMemoryCatalog(t *testing.T) {
	c, ctx, ns := NewMemoryCatalog(), context.Background(), Namespace{"1", "r"}
	steps := []struct {
		err, want error
	}{
		{c.CreateTable(ctx, ns, Table{Database: "d", Name: "t"}), ErrNotFound},
		{c.CreateDatabase(ctx, ns, Database{Name: "d"}), nil},
		{c.CreateDatabase(ctx, ns, Database{Name: "d"}), ErrExists},
		{c.CreateTable(ctx, ns, Table{Database: "d", Name: "t"}), nil},
		{c.CreateTable(ctx, ns, Table{Database: "d", Name: "t"}), ErrExists},
		{c.CreatePartitions(ctx, ns, "d", "t", []Partition{{Values: []string{"1"}}}), nil},
		{c.CreatePartitions(ctx, ns, "d", "t", []Partition{{Values: []string{"1"}}}), ErrExists},
		{c.DeletePartitions(ctx, ns, "d", "t", [][]string{{"2"}}), ErrNotFound},
		{c.DeletePartitions(ctx, ns, "d", "t", [][]string{{"1"}}), nil},
		{c.DeleteTable(ctx, ns, "d", "t"), nil},
		{c.DeleteDatabase(ctx, ns, "d"), nil},
		{c.DeleteDatabase(ctx, ns, "d"), ErrNotFound},
	}
	for i, s := range steps {
		if !errors.Is(s.err, s.want) {
			t.Errorf("step %d: got %v, want %v", i, s.err, s.want)
		}
	}
}
