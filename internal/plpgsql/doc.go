// Package plpgsql is the language of Redshift's stored procedures: a parser
// that checks a body when the procedure is created, and an interpreter.
//
// Parse turns a body into blocks and statements with every name resolved: the
// SQL in it is parsed by rsql and the variables it mentions are replaced in the
// tree by values, so that no SQL text is ever edited. As in PostgreSQL 8, from
// which the language comes, a variable wins over a column of the same name
// wherever an expression may stand. The targets of INTO are taken out of a
// SELECT before rsql sees it.
//
// Procedure.Run interprets. It runs no SQL itself: a Host compiles and executes
// statements, keeps cursors, ends transactions and passes messages on.
// The rules of transactions in atomic and NONATOMIC procedures are the
// interpreter's, as are FOUND, ROW_COUNT, SQLERRM and the context lines of
// errors ("Creating stored procedures in Amazon Redshift", Database Developer
// Guide).
//
// It is pure Go and knows neither DuckDB nor sessions. The warehouse imports it.
package plpgsql
