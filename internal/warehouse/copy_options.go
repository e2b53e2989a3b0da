package warehouse

import (
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/records"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// ignoredLoadOptions say how the cluster works, not what is loaded.
var ignoredLoadOptions = []string{
	"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION",
	"COMPUPDATE", "COMPROWS", "STATUPDATE", "JOB",
}

// loadFlags are the options without a value that COPY takes.
var loadFlags = []string{
	"BLANKSASNULL", "EMPTYASNULL", "TRIMBLANKS", "TRUNCATECOLUMNS", "FILLRECORD", "IGNOREBLANKLINES", "EXPLICIT_IDS",
	"REMOVEQUOTES", "ESCAPE", "ACCEPTANYDATE", "NOLOAD", "MANIFEST", "ROUNDEC", "IGNOREALLERRORS", "SERIALIZETOJSON",
}

// loadFormats are the formats COPY reads.
var loadFormats = []string{"TEXT", "CSV", "FIXEDWIDTH", "JSON", "AVRO", "PARQUET", "ORC"}

// encodings are the values of ENCODING.
var encodings = []string{"utf8", "utf16", "utf16le", "utf16be", "iso88591"}

func (l *load) options(list []syntax.Option) error {
	for _, o := range list {
		if err := l.option(o); err != nil {
			return err
		}
	}
	if l.format == "CSV" {
		if l.delimiter == "" {
			l.delimiter = ","
		}
		if l.quote == "" {
			l.quote = `"`
		}
	}
	if l.delimiter == "" {
		l.delimiter = "|"
	}
	return l.checkOptions(list)
}

func (l *load) option(o syntax.Option) (err error) {
	refuse := func(what string) error { return sqlerr.NotImplemented("COPY option " + what) }
	switch {
	case slices.Contains(ignoredLoadOptions, o.Name):
	case slices.Contains(loadFlags, o.Name):
		l.flags[o.Name] = true
	case o.Name == "FORMAT":
		if !slices.Contains(loadFormats, o.Value) {
			return refuse("FORMAT " + o.Value)
		}
		l.format, l.mapping = o.Value, o.Second
	case o.Name == "DELIMITER":
		l.delimiter = unescape(o.Value)
	case o.Name == "QUOTE":
		l.quote = o.Value
	case o.Name == "NULL":
		l.null = unescape(o.Value)
	case o.Name == "IGNOREHEADER":
		l.skip, err = l.number(o, 0)
	case slices.Contains([]string{"GZIP", "ZSTD", "BZIP2", "LZOP"}, o.Name):
		l.compression = strings.ToLower(o.Name)
	case o.Name == "DATEFORMAT":
		l.dateFormat = o.Value
	case o.Name == "TIMEFORMAT":
		l.timeFormat = o.Value
	case o.Name == "MAXERROR":
		if l.maxErrors, err = l.number(o, 0); err == nil && l.maxErrors > 100000 {
			err = sqlerr.New(sqlerr.InvalidParameterValue, "MAXERROR must be between 0 and 100000")
		}
	case o.Name == "ACCEPTINVCHARS":
		l.replace = "?"
		if o.Value != "" {
			l.replace = o.Value
		}
		if len(l.replace) != 1 || l.replace == "\x00" {
			return sqlerr.New(sqlerr.InvalidParameterValue, "ACCEPTINVCHARS replacement must be one valid ASCII character")
		}
	case o.Name == "ENCODING":
		if l.encoding = strings.ToLower(o.Value); !slices.Contains(encodings, l.encoding) {
			return sqlerr.New(sqlerr.InvalidParameterValue, "invalid encoding \"%s\"", o.Value)
		}
	default:
		return refuse(o.Name)
	}
	return err
}

func (l *load) number(o syntax.Option, least int) (int, error) {
	n, err := strconv.Atoi(o.Value)
	if err != nil || n < least {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for %s: \"%s\"", o.Name, o.Value)
	}
	return n, nil
}

// checkOptions refuses what does not go together ("COPY": data format and data
// conversion parameters).
func (l *load) checkOptions(list []syntax.Option) error {
	has := func(names ...string) string {
		for _, n := range names {
			if _, ok := syntax.Find(list, n); ok {
				return n
			}
		}
		return ""
	}
	var bad string
	switch l.format {
	case "CSV":
		bad = has("ESCAPE", "REMOVEQUOTES")
	case "FIXEDWIDTH":
		bad = has("DELIMITER", "ESCAPE", "REMOVEQUOTES", "QUOTE")
	case "JSON", "AVRO":
		bad = has("DELIMITER", "ESCAPE", "REMOVEQUOTES", "QUOTE", "FILLRECORD", "IGNOREHEADER", "IGNOREBLANKLINES")
	case "PARQUET", "ORC":
		bad = has("DELIMITER", "ESCAPE", "REMOVEQUOTES", "QUOTE", "IGNOREHEADER", "IGNOREBLANKLINES", "GZIP", "BZIP2", "LZOP", "ZSTD", "MAXERROR",
			"NULL", "DATEFORMAT", "TIMEFORMAT", "ENCODING", "ACCEPTANYDATE", "BLANKSASNULL", "EMPTYASNULL", "ROUNDEC", "TRIMBLANKS", "TRUNCATECOLUMNS")
	}
	switch {
	case bad != "" && l.columnar():
		return sqlerr.New(sqlerr.FeatureNotSupported, "%s argument is not supported for %s based COPY", bad, l.format)
	case bad != "":
		return sqlerr.New(sqlerr.SyntaxError, "%s is not compatible with %s", l.format, bad)
	case l.format != "CSV" && has("QUOTE") != "":
		return sqlerr.New(sqlerr.SyntaxError, "QUOTE option is only supported for CSV format")
	case l.flags["SERIALIZETOJSON"] && !l.columnar():
		return sqlerr.New(sqlerr.SyntaxError, "SERIALIZETOJSON is only supported for columnar formats")
	case l.format != "CSV" && l.format != "TEXT" && l.format != "FIXEDWIDTH":
	case len(l.delimiter) != 1 || l.delimiter == "\n" || l.delimiter == "\r" || l.delimiter[0] >= 0x80:
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter must be a single ASCII character")
	case l.format == "CSV" && l.delimiter == l.quote:
		return sqlerr.New(sqlerr.InvalidParameterValue, "DELIMITER and QUOTE must not be the same character")
	case l.format == "CSV" && len(l.quote) != 1:
		return sqlerr.New(sqlerr.InvalidParameterValue, "QUOTE must be a single character")
	}
	return nil
}

// unescape reads the spellings COPY takes for characters that do not print.
func unescape(text string) string {
	switch text {
	case `\t`:
		return "\t"
	case `\n`:
		return "\n"
	case `\0`, `\000`:
		return "\x00"
	}
	if code, ok := strings.CutPrefix(text, `\`); ok && len(code) == 3 {
		if n, err := strconv.ParseUint(code, 8, 8); err == nil {
			return string([]byte{byte(n)})
		}
	}
	return text
}

// fixedWidths reads FIXEDWIDTH 'label:width, ...': labels are column names or
// positions, from 0, in the order of the target columns.
func (l *load) fixedWidths() ([]records.Column, error) {
	parts := strings.Split(l.mapping, ",")
	if len(parts) != len(l.columns) {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "FIXEDWIDTH specification does not match the number of columns: %d, expected %d", len(parts), len(l.columns))
	}
	out := make([]records.Column, len(l.columns))
	for i, part := range parts {
		_, size, ok := strings.Cut(part, ":")
		n, err := strconv.Atoi(strings.TrimSpace(size))
		if !ok || err != nil || n < 1 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid FIXEDWIDTH specification \"%s\"", strings.TrimSpace(part))
		}
		out[i].Width = n
	}
	return out, nil
}
