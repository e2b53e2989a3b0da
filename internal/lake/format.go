package lake

import (
	"fmt"
	"strings"
)

// Format is how a table's files hold rows.
type Format int

// The formats that are known. Those not read today are refused by name.
const (
	UnknownFormat Format = iota
	Parquet
	Delimited // LazySimpleSerDe
	CSV       // OpenCSVSerde
	JSON
	ORC
	Avro
	Regex
	Ion
	RCFile
	SequenceFile
)

var formatNames = map[Format]string{
	Parquet: "PARQUET", Delimited: "TEXTFILE", CSV: "CSV", JSON: "JSON", ORC: "ORC", Avro: "AVRO",
	Regex: "RegexSerDe", Ion: "ION", RCFile: "RCFILE", SequenceFile: "SEQUENCEFILE",
}

func (f Format) String() string {
	if name, ok := formatNames[f]; ok {
		return name
	}
	return "an unknown format"
}

// serDes maps the serialization libraries AWS documents to formats ("SerDe
// reference" of the Athena guide, "CREATE EXTERNAL TABLE" of the Redshift one).
var serDes = map[string]Format{
	"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": Parquet,
	"org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe":          Delimited,
	"org.apache.hadoop.hive.serde2.OpenCSVSerde":                  CSV,
	"org.openx.data.jsonserde.JsonSerDe":                          JSON,
	"org.apache.hive.hcatalog.data.JsonSerDe":                     JSON,
	"org.apache.hadoop.hive.ql.io.orc.OrcSerde":                   ORC,
	"org.apache.hadoop.hive.serde2.avro.AvroSerDe":                Avro,
	"org.apache.hadoop.hive.serde2.RegexSerDe":                    Regex,
	"com.amazonaws.glue.serde.GrokSerDe":                          Regex,
	"com.amazon.ionhiveserde.IonHiveSerDe":                        Ion,
	"org.apache.hadoop.hive.serde2.columnar.ColumnarSerDe":        RCFile,
}

// Format is the format of the storage.
func (s Storage) Format() Format {
	if f, ok := serDes[s.SerDe]; ok {
		if f == Delimited && strings.Contains(s.InputFormat, "SequenceFile") {
			return SequenceFile
		}
		return f
	}
	in := strings.ToLower(s.InputFormat)
	switch {
	case strings.Contains(in, "parquet"):
		return Parquet
	case strings.Contains(in, "orc"):
		return ORC
	case strings.Contains(in, "avro"):
		return Avro
	case strings.HasSuffix(in, "textinputformat"):
		return Delimited
	}
	return UnknownFormat
}

// StoredAs fills in the classes that STORED AS stands for.
func StoredAs(word string) (Storage, error) {
	const hive, mapred = "org.apache.hadoop.hive.", "org.apache.hadoop.mapred."
	switch strings.ToLower(word) {
	case "parquet":
		return Storage{
			InputFormat:  hive + "ql.io.parquet.MapredParquetInputFormat",
			OutputFormat: hive + "ql.io.parquet.MapredParquetOutputFormat",
			SerDe:        hive + "ql.io.parquet.serde.ParquetHiveSerDe",
		}, nil
	case "textfile", "":
		return Storage{
			InputFormat:  mapred + "TextInputFormat",
			OutputFormat: hive + "ql.io.HiveIgnoreKeyTextOutputFormat",
			SerDe:        hive + "serde2.lazy.LazySimpleSerDe",
		}, nil
	case "orc":
		return Storage{
			InputFormat:  hive + "ql.io.orc.OrcInputFormat",
			OutputFormat: hive + "ql.io.orc.OrcOutputFormat",
			SerDe:        hive + "ql.io.orc.OrcSerde",
		}, nil
	case "avro":
		return Storage{
			InputFormat:  hive + "ql.io.avro.AvroContainerInputFormat",
			OutputFormat: hive + "ql.io.avro.AvroContainerOutputFormat",
			SerDe:        hive + "serde2.avro.AvroSerDe",
		}, nil
	case "rcfile":
		return Storage{
			InputFormat:  hive + "ql.io.RCFileInputFormat",
			OutputFormat: hive + "ql.io.RCFileOutputFormat",
			SerDe:        hive + "serde2.columnar.ColumnarSerDe",
		}, nil
	case "sequencefile":
		return Storage{
			InputFormat:  mapred + "SequenceFileInputFormat",
			OutputFormat: mapred + "SequenceFileOutputFormat",
			SerDe:        hive + "serde2.lazy.LazySimpleSerDe",
		}, nil
	}
	return Storage{}, fmt.Errorf("cannot store a table as %q", word)
}

// Hidden says whether Spectrum ignores the object: a folder marker, or a name
// that begins with a period, underscore or hash mark or ends with a tilde.
func Hidden(key string) bool {
	if key == "" || strings.HasSuffix(key, "/") || strings.HasSuffix(key, "~") || strings.HasSuffix(key, "_$folder$") {
		return true
	}
	base := key[strings.LastIndexByte(key, '/')+1:]
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || strings.HasPrefix(base, "#")
}
