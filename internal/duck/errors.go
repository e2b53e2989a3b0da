package duck

import (
	"encoding/json"
	"regexp"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"stepwell/internal/sqlerr"
)

// prefixes maps the words DuckDB puts before its messages to the SQLSTATE of
// the class. What a single message means more precisely is in rules.
var prefixes = []struct{ prefix, code string }{
	{"Parser Error: ", "42601"},
	{"Syntax Error: ", "42601"},
	{"Binder Error: ", "42804"},
	{"Catalog Error: ", "42704"},
	{"Conversion Error: ", "22P02"},
	{"Out of Range Error: ", "22003"},
	{"Constraint Error: ", "23000"},
	{"Invalid Input Error: ", "22023"},
	{"TransactionContext Error: ", "25000"},
	{"Not implemented Error: ", "0A000"},
	{"IO Error: ", "58030"},
	{"INTERRUPT Error: ", "57014"},
	{"Out of Memory Error: ", "53200"},
	{"Permission Error: ", "42501"},
	{"Serialization Error: ", "XX000"},
	{"INTERNAL Error: ", "XX000"},
	{"FATAL Error: ", "XX000"},
	{"Dependency Error: ", "2BP01"},
	{"Mismatch Type Error: ", "42804"},
}

// rule recognises one DuckDB message; text, when set, is Redshift's wording
// with $1 ... taken from the pattern.
type rule struct {
	code    string
	pattern *regexp.Regexp
	text    string
}

func newRule(code, pattern, text string) rule {
	return rule{code, regexp.MustCompile(`(?s)` + pattern), text}
}

// rules are tried in order on the message without its prefix.
var rules = []rule{
	// Raised by the prelude: error('SQLSTATE:text').
	newRule("", `^([0-9A-Z]{5}):(.*)$`, "$2"),
	newRule("53100", `^.*No space left on device.*$`, "Disk Full"),
	newRule("XX000", `^(?:Failed to commit: )?.*(?:[Cc]onflict|write-write).*$`, sqlerr.SerializationViolation),
	newRule("42P01", `^Table with name (\S+) does not exist!.*$`, `relation "$1" does not exist`),
	newRule("42P07", `^(?:Table|View|Entry) with name "([^"]*)" already exists!?.*$`, `Relation "$1" already exists`),
	newRule("42P06", `^Schema with name "?([^" ]*)"? already exists!?.*$`, `Schema "$1" already exists`),
	newRule("3F000", `^Schema with name "?([^" ]*)"? does not exist!?.*$`, `schema "$1" does not exist`),
	newRule("42883", `^Scalar Function with name (\S+) does not exist!.*$`, `function $1 does not exist`),
	newRule("42703", `^Referenced column "([^"]*)" not found in FROM clause.*$`, `column "$1" does not exist`),
	newRule("42703", `^Referenced column "([^"]*)" was not found.*$`, `column "$1" does not exist`),
	newRule("42703", `^Table "([^"]*)" does not have a column named "([^"]*)".*$`, `column $1.$2 does not exist`),
	newRule("42P01", `^Referenced table "([^"]*)" not found.*$`, `missing FROM-clause entry for table "$1"`),
	newRule("42702", `^Ambiguous reference to column name "([^"]*)".*$`, `column reference "$1" is ambiguous`),
	newRule("42803", `^column "?([^" ]*)"? must appear in the GROUP BY clause.*$`, `column "$1" must appear in the GROUP BY clause or be used in an aggregate function`),
	newRule("23502", `^NOT NULL constraint failed: (?:.*\.)?(\S+)$`, `Cannot insert a NULL value into column $1`),
	newRule("21000", `^More than one row returned by a subquery.*$`, "single-row subquery returns more than one row"),
	newRule("22003", `^Overflow in \w+ of INT16 .*$`, "smallint out of range"),
	newRule("22003", `^Overflow in \w+ of INT32 .*$`, "integer out of range"),
	newRule("22003", `^Overflow in \w+ of INT64 .*$`, "bigint out of range"),
	newRule("22003", `^Overflow in (\w+) of (?:INT128|DECIMAL).*$`, "Numeric data overflow ($1)"),
	newRule("22003", `^Overflow in (HUGEINT|SUM) .*$`, "Numeric data overflow (addition)"),
	newRule("22003", `^(?:Casting value .* to type|Could not cast value .* to) DECIMAL.*$`, "Numeric data overflow (result precision)"),
	newRule("22003", `^Type \w+ with value .* out of range for the destination type INT16.*$`, "Value out of range for 2 bytes."),
	newRule("22003", `^Type \w+ with value .* out of range for the destination type INT32.*$`, "Value out of range for 4 bytes."),
	newRule("22003", `^Type \w+ with value .* out of range for the destination type INT64.*$`, "Value out of range for 8 bytes."),
	newRule("42803", `^(WHERE|GROUP BY|ON|JOIN|SET) clause cannot contain aggregates!?.*$`, "aggregates not allowed in $1 clause"),
	newRule("42P20", `^(WHERE|GROUP BY|HAVING|ON|JOIN) clause cannot contain window functions!?.*$`, "window functions not allowed in $1 clause"),
	newRule("42803", `^aggregate function calls cannot be nested.*$`, "aggregate function calls may not be nested"),
	newRule("42601", `^Set operations can only apply to expressions with the same number of result columns.*$`, "each UNION query must have the same number of columns"),
	newRule("42703", `^Values list "([^"]*)" does not have a column named "([^"]*)".*$`, `column $1.$2 does not exist`),
	newRule("22P02", `^Could not convert string '(.*)' to (?:INT32|INT64|INT16|INT8|INT128)\b.*$`, `invalid input syntax for integer: "$1"`),
	newRule("22P02", `^Could not convert string '(.*)' to (?:DOUBLE|FLOAT)\b.*$`, `invalid input syntax for type double precision: "$1"`),
	newRule("22P02", `^Could not convert string '(.*)' to BOOL\b.*$`, `invalid input syntax for type boolean: "$1"`),
	newRule("22P02", `^Could not convert string "(.*)" to DECIMAL.*$`, `invalid input syntax for type numeric: "$1"`),
	newRule("22008", `^(?:date|timestamp|time) field value out of range: "([^"]*)".*$`, `date/time field value out of range: "$1"`),
	newRule("22007", `^invalid (date|timestamp|time) field format: "([^"]*)".*$`, `invalid input syntax for type $1: "$2"`),
	newRule("42883", `^Macro "?(?:rs_)?(\w+)"?\(\) does not support the supplied arguments.*$`, `function $1 does not exist for these types of arguments`),
	newRule("0A000", `^Alias "([^"]+)" referenced - but the expression has side effects.*$`, `not implemented: a reference to the alias "$1" of a volatile expression`),
	newRule("22023", `^Unknown TimeZone '([^']*)'.*$`, `time zone "$1" not recognized`),
	newRule("42725", `^Could not choose a best candidate function for the function call "([^"]*)".*$`, `function $1 is not unique`),
	newRule("22012", `^(?i:.*division by zero.*)$`, "Divide by zero"),
	newRule("42601", `^Subquery returns \d+ columns - expected 1.*$`, "subquery must return only one column"),
	newRule("42712", `^Ambiguous reference to table "([^"]*)".*$`, `table name "$1" specified more than once`),
	newRule("42703", `^Column "([^"]*)" does not exist on (left|right) side of join!.*$`, `column "$1" specified in USING clause does not exist in $2 table`),
	newRule("42703", `^Column "([^"]*)" in EXCLUDE list not found in.*$`, `column "$1" does not exist`),
	newRule("42701", `^Duplicate column name "([^"]*)" in INSERT.*$`, `column "$1" specified more than once`),
	newRule("22007", `^Could not convert string '(.*)' to INTERVAL.*$`, `invalid input syntax for type interval: "$1"`),
	newRule("42804", `^json_object\(\) keys must be VARCHAR.*$`, "attribute names of object must be character strings"),
	newRule("42701", `^Column with name "?([^" ]*)"? already exists!.*$`, `column "$1" already exists`),
	newRule("22014", `^Argument for ntile must be greater than zero.*$`, "argument of ntile must be greater than zero"),
	newRule("42601", `^Multiple assignments to same column "([^"]*)".*$`, `multiple assignments to same column "$1"`),
	newRule("42803", `^aggregate functions are not allowed in UPDATE.*$`, "cannot use aggregate function in UPDATE"),
	newRule("42803", `^INSERT statement cannot contain aggregates.*$`, "cannot use aggregate function in VALUES"),
	newRule("42P07", `^Could not rename "[^"]*" to "([^"]*)": another entry with this name already exists.*$`, `Relation "$1" already exists`),
	newRule("2201W", `^LIMIT/OFFSET cannot be negative.*$`, "LIMIT must not be negative"),
	newRule("22003", `^QUANTILE can only take parameters in the range.*$`, "percentile value is not between 0 and 1"),
	newRule("22023", `^Separator argument to StringAgg must be a constant.*$`, "the delimiter of LISTAGG must be a constant"),
	newRule("22003", `^Type DOUBLE with value .* can't be cast because the value is out of range for the destination type FLOAT.*$`, `type "real" value out of range: overflow`),
	newRule("22023", `^Malformed JSON.*$`, "JSON parsing error"),
	newRule("22P02", `^JSON path error near '\[(.*)\]'.*$`, `invalid input syntax for integer: "$1"`),
	newRule("22023", `^Invalid input for hex digit: (.*)$`, `invalid hexadecimal digit: "$1"`),
	newRule("54000", `^Invalid UTF8 Codepoint (.*)$`, "requested character too large for encoding: $1"),
	newRule("42804", `^json_object\(\) requires an even number of arguments.*$`, "function object must have an even number of arguments"),
	newRule("42601", `^Type STRUCT.* does not match with STRUCT.*$`, "unequal number of entries in row expressions"),
	newRule("2201B", `^(?:missing|unexpected) \).*$`, "invalid regular expression: parentheses () not balanced"),
	newRule("2201B", `^missing ].*$`, "invalid regular expression: brackets [] not balanced"),
	newRule("2201B", `^(?:no argument for repetition operator|bad repetition operator).*$`, "invalid regular expression: quantifier operand invalid"),
	newRule("2201B", `^invalid (?:escape sequence|character class range|repetition size|UTF-8|perl operator|named capture group).*$`, "invalid regular expression: $0"),
	newRule("57014", `^Interrupted!?.*$`, "Query (0) cancelled on user's request"),
}

// translate turns a DuckDB message into the error a Redshift client expects.
// The kind is DuckDB's own and only a fallback: messages carry it as a prefix.
func translate(kind bindings.ErrorType, message string) error {
	message = strings.TrimSpace(message)
	if strings.HasPrefix(message, "{") { // errors_as_json
		var parts struct {
			Type    string `json:"exception_type"`
			Message string `json:"exception_message"`
		}
		if json.Unmarshal([]byte(message), &parts) == nil && parts.Message != "" {
			message = parts.Type + " Error: " + parts.Message
		}
	}
	code := "XX000"
	if kind == bindings.ErrorTypeInterrupt {
		code = "57014"
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(message, p.prefix); ok {
			message, code = rest, p.code
			break
		}
	}
	message = withoutExcerpt(message)
	if e := operatorError(message); e != nil {
		return e
	}
	for _, r := range rules {
		m := r.pattern.FindStringSubmatchIndex(message)
		if m == nil {
			continue
		}
		text := string(r.pattern.ExpandString(nil, r.text, message, m))
		if r.code == "" {
			return sqlerr.New(message[m[2]:m[3]], "%s", text)
		}
		if text == sqlerr.SerializationViolation {
			return sqlerr.New(r.code, "%s", text).WithDetail("Serializable isolation violation on table in Redshift")
		}
		return sqlerr.New(r.code, "%s", text)
	}
	return sqlerr.New(code, "%s", message)
}

// noOperator and noComparison are DuckDB's words for operands that do not go together.
var (
	noOperator   = regexp.MustCompile(`(?s)^(?:No function matches the given name and argument types|Could not choose a best candidate function for the function call) ['"]([-+*/%|&#~<>=!^]+)\(([^']*?)\)['"].*`)
	noFunction   = regexp.MustCompile(`(?s)^No function matches the given name and argument types '(\w+)\(([^']*)\)'.*`)
	noComparison = regexp.MustCompile(`(?s)^Cannot compare values of type (.*?) and(?: values of)? type (.*?) - an explicit cast is required.*`)
	noChoice     = regexp.MustCompile(`(?s)^Could not choose a best candidate function for the function call ['"](\w+)\(([^'"]*)\)['"].*`)
	mixed        = regexp.MustCompile(`(?s)^Cannot mix values of type (.*?) and (.*?) in (\w+) (?:expression|operator).*`)
	combined     = regexp.MustCompile(`(?s)^Cannot combine types of (.*?) and (.*?) - an explicit cast is required.*`)
	unpivoted    = regexp.MustCompile(`(?s)^Cannot unpivot columns of types (.*?) and (.*?) - an explicit cast is required.*`)
	columnCount  = regexp.MustCompile(`^Subquery returns (\d+) columns - expected (\d+)`)
	noCast       = regexp.MustCompile(`(?s)^Unimplemented type for cast \((\S+) -> (\S+)\).*`)
	modifiers    = regexp.MustCompile(`\([^)]*\)`)
)

// operatorError is PostgreSQL's error for them; nil for other messages.
func operatorError(message string) error {
	op, operands := "=", ""
	if m := noOperator.FindStringSubmatch(message); m != nil {
		op, operands = m[1], m[2]
	} else if m := noComparison.FindStringSubmatch(message); m != nil {
		operands = m[1] + ", " + m[2]
	} else if m := noFunction.FindStringSubmatch(message); m != nil {
		if name, own := standsFor(m[1]); own {
			return sqlerr.New("42883", "function %s does not exist for these types of arguments", name).
				WithHint("No function matches the given name and argument types. You may need to add explicit type casts.")
		}
		list := strings.Split(modifiers.ReplaceAllString(m[2], ""), ", ")
		for i, t := range list {
			list[i] = typeName(t)
		}
		return sqlerr.New("42883", "function %s(%s) does not exist", strings.TrimPrefix(m[1], "rs_"), strings.Join(list, ", ")).
			WithHint("No function matches the given name and argument types. You may need to add explicit type casts.")
	} else if m := noChoice.FindStringSubmatch(message); m != nil {
		list := strings.Split(modifiers.ReplaceAllString(m[2], ""), ", ")
		for i, t := range list {
			list[i] = typeName(t)
		}
		return sqlerr.New("42725", "function %s(%s) is not unique", strings.TrimPrefix(m[1], "rs_"), strings.Join(list, ", ")).
			WithHint("Could not choose a best candidate function. You may need to add explicit type casts.")
	} else if m := mixed.FindStringSubmatch(message); m != nil {
		return sqlerr.New("42804", "%s types %s and %s cannot be matched", m[3], typeName(modifiers.ReplaceAllString(m[1], "")), typeName(modifiers.ReplaceAllString(m[2], "")))
	} else if m := combined.FindStringSubmatch(message); m != nil {
		return sqlerr.New("42804", "types %s and %s cannot be matched", typeName(modifiers.ReplaceAllString(m[1], "")), typeName(modifiers.ReplaceAllString(m[2], "")))
	} else if m := unpivoted.FindStringSubmatch(message); m != nil {
		return sqlerr.New("42804", "UNPIVOT types %s and %s cannot be matched", typeName(modifiers.ReplaceAllString(m[1], "")), typeName(modifiers.ReplaceAllString(m[2], "")))
	} else if m := columnCount.FindStringSubmatch(message); m != nil && m[2] != "1" {
		return sqlerr.New("42601", "subquery has too %s columns", map[bool]string{true: "many", false: "few"}[m[1] > m[2]])
	} else if m := noCast.FindStringSubmatch(message); m != nil {
		return sqlerr.New("42846", "cannot cast type %s to %s", typeName(m[1]), typeName(m[2]))
	} else {
		return nil
	}
	list := strings.Split(modifiers.ReplaceAllString(operands, ""), ", ")
	for i, t := range list {
		list[i] = typeName(t)
	}
	text := op + " " + list[0]
	if len(list) == 2 {
		text = list[0] + " " + op + " " + list[1]
	}
	return sqlerr.New("42883", "operator does not exist: %s", text).
		WithHint("No operator matches the given name and argument type(s). You may need to add explicit type casts.")
}

// standsFor is the function of Redshift that one of ours, or of DuckDB, computes
// under another name and with other arguments.
func standsFor(name string) (string, bool) {
	if name == "quantile_cont" || name == "quantile_disc" {
		return strings.Replace(name, "quantile", "percentile", 1), true
	}
	own, ok := strings.CutPrefix(name, "stepwell_")
	switch own {
	case "fnv":
		return "fnv_hash", ok
	case "murmur3":
		return "murmur3_32_hash", ok
	case "farmhash":
		return "farmfingerprint64", ok
	case "hll_coupon":
		return "hll_create_sketch", ok
	case "zone_offset":
		return "timezone", ok
	case "time_char":
		return "to_char", ok
	}
	return own, ok
}

// typeName is Redshift's name for a type as DuckDB prints it.
func typeName(name string) string {
	switch name = strings.TrimSpace(name); name {
	case "INTEGER_LITERAL", "TINYINT", "UTINYINT", "USMALLINT":
		return "integer"
	case "STRING_LITERAL", "NULL":
		return "unknown"
	case "VARCHAR":
		return "character varying"
	case "DECIMAL", "HUGEINT":
		return "numeric"
	case "DOUBLE":
		return "double precision"
	case "FLOAT":
		return "real"
	case "TIMESTAMP":
		return "timestamp without time zone"
	case "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ":
		return "timestamp with time zone"
	case "TIME":
		return "time without time zone"
	case "TIME WITH TIME ZONE", "TIMETZ":
		return "time with time zone"
	case "BLOB":
		return "binary varying"
	case "JSON", "JSON[]":
		return "super"
	}
	return strings.ToLower(name)
}

// withoutExcerpt removes the excerpt DuckDB appends ("LINE 1: ..."): it points
// into emitted text, not into what the user wrote.
func withoutExcerpt(message string) string {
	if i := strings.Index(message, "\n\nLINE "); i >= 0 {
		message = message[:i]
	}
	return strings.TrimSpace(message)
}

// invalidated is in what DuckDB answers when it has given the instance up.
const invalidated = "database has been invalidated because of a previous fatal error"

// fatal is the error of a statement that met DuckDB's giving up of the instance,
// or caused it; nil for other messages.
func fatal(message string) *sqlerr.Error {
	message = strings.TrimSpace(message)
	if !strings.HasPrefix(message, "FATAL Error: ") && !strings.Contains(message, invalidated) {
		return nil
	}
	e := sqlerr.New(sqlerr.CrashShutdown, "terminating connection because of crash of another server process")
	if strings.Contains(message, "No space left on device") {
		e = sqlerr.New(sqlerr.DiskFull, "Disk Full")
	}
	e = e.WithDetail("%s", message).WithHint("In a moment you should be able to reconnect to the database and repeat your command.")
	e.Severity = "FATAL"
	return e
}

func canceled() error {
	return sqlerr.New("57014", "Query (0) cancelled on user's request")
}
