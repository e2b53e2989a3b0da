// Package records reads the records of data files as rows of text fields:
// delimited text, CSV, fixed width, JSON, Avro, ORC and lines matched by a
// regular expression, compressed or in other encodings than UTF-8.
//
// A Spec says what to read and how; it travels as JSON so that a query can name
// it as text. Open gives a Set, from which any number of goroutines take
// Readers: each reads one file after the other, a record at a time, so that
// memory stays bounded by the longest record. A record that does not parse
// comes as a Fault with Redshift's code and text ("Load error reference" of the
// Redshift Database Developer Guide), and the next record is read after it.
//
// Converting fields to types is not done here. COPY and external tables import
// it; it imports nothing of ours.
package records
