package syntax

import (
	"strings"
	"testing"
)

// roundTrip checks that the print of a parse parses to the same tree.
func roundTrip(t *testing.T, src string) {
	t.Helper()
	list, err := Parse(src)
	if err != nil {
		return
	}
	for _, s := range list {
		if !CanPrint(s.Statement) {
			continue
		}
		text := Print(s.Statement)
		again, err := Parse(text)
		if err != nil {
			t.Errorf("the print does not parse: %v\nsource: %s\nprint:  %s", err, src, text)
			return
		}
		if len(again) != 1 {
			t.Errorf("the print of one statement parses to %d: %s", len(again), text)
			return
		}
		if a, b := Dump(s.Statement), Dump(again[0].Statement); a != b {
			t.Errorf("the print parses to another tree\nsource: %s\nprint:  %s\n%s", src, text, firstDifference(a, b))
			return
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "-" + x[i] + "\n+" + y[i]
		}
	}
	return "one is a prefix of the other"
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"select a, b+1 as c from t where x in (1,2) and not y like 'a\\\\%' escape '#'",
		"with r as (select 1) select top 5 * from r left join s using (id) order by 1 desc nulls last limit 3",
		"insert into t (a, b) values (1, default), ('x', $1)",
		"create table #t (a varchar(max) encode zstd, b int identity(0,1)) diststyle key distkey(a) sortkey(a, b)",
		"select U&'\\0041', $$x$$, $q$y$q$, e'\\n', interval '1' day, date '2020-01-01', x.y[0].z, a::int /* c /* d */ */ -- e",
		"copy t from 's3://b/k' iam_role default csv ignoreheader 1",
		"unload ('select 1') to 's3://b/k' iam_role default parquet partition by (a) include",
		"((select 1) union all (select 2)) minus select 3; merge into a using b on a.i=b.i when matched then delete",
		"select sum(x) over (partition by y order by z rows between 1 preceding and current row) from t group by rollup(a, (b, c))",
		"select object_transform(a.b keep '\"x\"', '\"y\".\"z\"' set '\"x\"', upper(c), '\"w\"', a.b + 1), object_transform(a), object_transform(a or b set '\"x\"', 1)",
		"select a(select 0), a((select 1)), a(((select 2) limit 1), 3)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if strings.ContainsRune(src, 0) {
			return
		}
		roundTrip(t, src)
	})
}

// FuzzLex: tokens are in order, inside the text, and what lies between two of
// them is blank: cut out alone, a token is the same token.
func FuzzLex(f *testing.F) {
	for _, s := range []string{
		"select 'it''s' \"a b\" 1.5e-3 $1 :name $$x$$ $q$y$q$ -- c\n/* a /* b */ */ !~~* a::b e'\\n'", "'\\", "$a$ $b$", "1e", ".5.", "U&'\\0041'", "\xff'\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		toks, err := lex(src)
		if err != nil {
			return
		}
		end := 0
		for _, tok := range toks {
			if tok.start < end || tok.end < tok.start || tok.end > len(src) {
				t.Fatalf("token %+v behind %d of %q", tok, end, src)
			}
			if between, err := lex(src[end:tok.start]); err != nil || len(between) != 1 {
				t.Fatalf("between tokens stands %q: %v", src[end:tok.start], err)
			}
			end = tok.end
			if tok.kind == tEOF {
				continue
			}
			again, err := lex(src[tok.start:tok.end])
			if err != nil || len(again) != 2 || again[0].kind != tok.kind || again[0].text != tok.text {
				t.Fatalf("%q alone is %+v, %v; it was %+v", src[tok.start:tok.end], again, err, tok)
			}
		}
	})
}
