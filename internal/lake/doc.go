// Package lake describes tables whose rows are files of an object store, and
// how DuckDB reads them in place: formats and SerDes, columns, partitions.
//
// The descriptions follow the Glue Data Catalog (Database, Table, Partition);
// Catalog and Objects are the two interfaces behind which the catalog service
// and the object store stand. A Scan says which slices (partitions with their
// files) of a table to read; Source turns it into a DuckDB relation. The
// package runs no SQL itself and copies no data.
//
// Parquet and delimited text (LazySimpleSerDe, OpenCSVSerde) are read by DuckDB
// itself, JSON, ORC, Avro and RegexSerDe through RecordsFunction. Ion, RCFile,
// SequenceFile and GrokSerDe are refused by name. The warehouse imports
// it for external tables; the Glue catalog and its crawlers share it.
package lake
