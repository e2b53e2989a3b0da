package syntax

import "strings"

// reserved are the words that cannot name a column, table or alias without
// quotes: the guide's list ("Reserved words"), less those Redshift accepts as
// names all the same (functions and types of that name).
var reserved = wordSet(`
	aes128 aes256 all allowoverwrite analyse analyze and any as asc
	authorization between both case cast check collate constraint create
	credentials cross current_date current_time current_timestamp current_user
	current_user_id default deferrable deflate defrag desc disable distinct do else
	emptyasnull enable encode encrypt end except explicit false for foreign freeze
	from full grant group having identity ignore ilike in initially inner intersect
	into is isnull join leading left like limit localtime localtimestamp minus natural
	new not notnull null nulls off offline offset old on only or order outer
	overlaps parallel placing primary references respect restore right select
	session_user similar some sysdate table then to top trailing true union unique
	unnest unpivot user using verbose when where with pivot
`)

// notAlias are further words that end an expression or a table in places where
// a bare alias could stand.
var notAlias = wordSet(`
	qualify window connect start set values when minus at within over escape
	partition pivot unpivot exclude returning
`)

// bareFuncs are functions called without parentheses.
var bareFuncs = wordSet(`
	current_date current_time current_timestamp current_user current_user_id
	localtime localtimestamp session_user sysdate user
`)

// callable are reserved words that are function names when "(" follows.
var callable = wordSet(`left right collate isnull user identity check pivot restore`)

// typeWords start a typed literal when a string follows: DATE '2008-01-01'.
var typeWords = wordSet(`
	date time timetz timestamp timestamptz datetime bool boolean int int2 int4 int8 integer smallint
	bigint decimal numeric float float4 float8 real char character varchar bpchar text
	super varbyte geometry hllsketch nchar nvarchar
`)

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}
