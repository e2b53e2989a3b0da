// Package syntax is the text side of Redshift SQL: a lexer, a hand-written
// parser with precedence climbing, the typed tree with byte spans, and a
// printer whose output parses to the same tree.
//
// The grammar is the SQL reference of the Amazon Redshift Database Developer
// Guide. The package knows no catalog and no DuckDB; what it recognises and
// nobody has built becomes an *Unsupported statement, everything else that does
// not parse is a syntax error with SQLSTATE 42601 and PostgreSQL's wording.
//
// Node families (Statement, Expr, TableExpr, Body, AlterAction) are sealed;
// switches over them can be exhaustive. Trees are not changed after parsing.
//
// The rest of rsql, warehouse and plpgsql may import it.
package syntax
