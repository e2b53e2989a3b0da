// Package parquet reads the rows of Parquet files as JSON texts, one after the
// other, for the ItemReader of a Distributed Map. It holds one page of every
// column, not the file.
//
// AWS does not document how it writes the types of Parquet. Here a row is an
// object with the columns in the file's order; numbers, also decimals, are
// numbers; dates, times and timestamps are strings of ISO 8601 (timestamps that
// are adjusted to UTC end with Z); a UUID is a string; bytes without a type are
// a string where they are UTF-8, else base64; NaN and infinities are null;
// lists are arrays, maps objects. Encrypted files are refused.
//
// Package exec imports it.
package parquet
