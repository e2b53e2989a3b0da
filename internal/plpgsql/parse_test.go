package plpgsql

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

var testArgs = []Argument{
	{Mode: "in", Name: "a", Type: syntax.TypeName{Name: "int"}},
	{Mode: "inout", Name: "b", Type: syntax.TypeName{Name: "varchar"}},
}

// bodies are accepted, or refused with the error after the arrow: its text, the
// line of its context, and the text its position points to.
var bodies = []struct{ body, want string }{
	{"begin end", ""},
	{"begin null; end;", ""},
	{"<<l>> declare x int; begin l.x := 1; p.a := $1 + x; end l", ""},
	{"declare x alias for $2; y int not null default 3; declare z varchar(10) := 'a;b'; begin x := z; end;", ""},
	{"declare r record; t pg_class%rowtype; c cursor (k int, n numeric(4,2)) for select k; begin for r in select 1 as x loop null; end loop; fetch c into r; end;", ""},
	{"begin if a > case when b = 'x' then 1 else 2 end then null; elsif a = 2 then null; elseif true then null; else null; end if; end;", ""},
	{"begin with q as (select 1 as x) select x into a from q; insert into t select * from q; end;", ""},
	{"begin execute 'select ' || a into a, b; get diagnostics a := row_count; end;", ""},
	{"begin for i in reverse a+1 .. (select 5) loop continue when i = 2; exit; end loop; end;", ""},
	{"begin begin null; exception when others then raise; end; commit; rollback work; start transaction; end;", ""},
	{"begin /* c /* nested */ */ b := $q$ it's $q$ || 'it''s \\' x'; -- end\n end;", ""},
	{"begin call other(a, 1, b); create table x as select a as k; end;", ""},
	{"", "syntax error at end of input|1|"},
	{"begin", "syntax error at end of input|1|"},
	{"\nbegin\n  x := 1;\nend;", "\"x\" is not a known variable|2|x := 1;"},
	{"\nbegin\n  a = = 2;\nend;", "syntax error at or near \"=\"|2|= 2;"},
	{"begin\n select 1 from;\nend;", "syntax error at end of input|2|;"},
	{"begin select 1 into nowhere; end;", "\"nowhere\" is not a known variable|1|nowhere; end;"},
	{"declare k constant int := 1; begin k := 2; end;", "\"k\" is declared CONSTANT|1|k := 2; end;"},
	{"declare k int; k int; begin end;", "conflicting declarations: \"k\"|1|begin end;"},
	{"declare k; begin end;", "missing data type declaration at or near \";\"|1|; begin end;"},
	{"declare k nope%type; begin end;", "variable \"nope\" does not exist|1|; begin end;"},
	{"begin open a for select 1; end;", "cursor variable \"a\" must be of type cursor or refcursor|1|a for select 1; end;"},
	{"begin raise nonsense 'x'; end;", "syntax error at or near \"nonsense\"|1|nonsense 'x'; end;"},
	{"begin raise info '%', 1, 2; end;", "too many parameters specified for RAISE|1|'%', 1, 2; end;"},
	{"begin raise; end;", "RAISE without parameters cannot be used outside an exception handler|1|end;"},
	{"begin loop exit other; end loop; end;", "label \"other\" does not exist|1|; end loop; end;"},
	{"begin a := 'open; end;", "unterminated string|1|'open; end;"},
	{"begin a := $9; end;", "there is no parameter $9|1|"},
	{"begin if a then null; end; end;", "syntax error at or near \";\"|1|; end;"},
	{"begin case a when 1, 2 then null; when 3 then b := 'x'; end case; end;", ""},
	{"begin case a when 1 + then null; end case; end;", "syntax error at or near \")\"|1| then null; end case; end;"},
	{"declare a a(a00", "syntax error at end of input|1|"},
	{"begin \"A\" := 2; end;", ""},
	{"begin null; end; select 1", "syntax error at or near \"select\"|1|select 1"},
	{strings.Repeat("begin ", 300), "stack depth limit exceeded|1|"},
}

func TestParse(t *testing.T) {
	for _, x := range bodies {
		_, err := Parse("p", testArgs, x.body)
		if got := fault2text(err, x.body); got != x.want && !(strings.HasPrefix(got, x.want) && strings.HasSuffix(x.want, "|1|")) {
			t.Errorf("%.80s\ngot  %s\nwant %s", x.body, got, x.want)
		}
	}
}

func fault2text(err error, body string) string {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return ""
	}
	line := e.Context[strings.LastIndexByte(e.Context, ' ')+1:]
	at := ""
	if e.Position > 0 {
		at, _, _ = strings.Cut(string([]rune(body)[e.Position-1:]), "\n")
	}
	return fmt.Sprintf("%s|%s|%s", e.Message, line, at)
}

// FuzzParse: no body makes the parser panic or hang, and an error's position
// lies in the body.
func FuzzParse(f *testing.F) {
	for _, x := range bodies {
		f.Add(x.body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		_, err := Parse("p", testArgs, body)
		var e *sqlerr.Error
		if errors.As(err, &e) && e.Position > len(body)+1 {
			t.Fatalf("position %d is behind the body's end", e.Position)
		}
	})
}
