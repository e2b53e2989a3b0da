package warehouse

import (
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// ignoredUnloadOptions say who writes where, or ask for encryption on S3's
// side, which readers do not see.
var ignoredUnloadOptions = []string{
	"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "KMS_KEY_ID", "ENCRYPTED",
}

// The limits of MAXFILESIZE and ROWGROUPSIZE in bytes ("UNLOAD": parameters).
const (
	leastFileSize  = 5 << 20
	mostFileSize   = 6656 << 20 // 6.2 GB, and what rounding makes of it
	leastGroupSize = 32 << 20
	mostGroupSize  = 128 << 20
)

func (x *export) options(list []syntax.Option) error {
	for _, o := range list {
		if err := x.option(o); err != nil {
			return err
		}
	}
	given := x.delimiter
	switch {
	case given == "" && x.format == "CSV":
		x.delimiter = ","
	case given == "":
		x.delimiter = "|"
	}
	return x.checkOptions(list, given != "")
}

func (x *export) option(o syntax.Option) (err error) {
	refuse := func(what string) error { return sqlerr.NotImplemented("UNLOAD option " + what) }
	switch o.Name {
	case "FORMAT":
		if !slices.Contains([]string{"PARQUET", "CSV", "TEXT", "JSON", "FIXEDWIDTH"}, o.Value) {
			return refuse("FORMAT " + o.Value)
		}
		x.format = o.Value
		if o.Value == "FIXEDWIDTH" {
			x.widths, err = unloadWidths(o.Second)
		}
	case "DELIMITER":
		x.delimiter = unescape(o.Value)
	case "NULL":
		x.null = o.Value
	case "HEADER":
		x.header = true
	case "ADDQUOTES":
		x.addQuotes = true
	case "ESCAPE":
		x.escape = true
	case "GZIP", "ZSTD":
		x.compression = strings.ToLower(o.Name)
	case "ALLOWOVERWRITE":
		x.overwrite = true
	case "CLEANPATH":
		x.cleanPath = true
	case "PARALLEL":
		x.parallel = o.Value != "OFF" && o.Value != "FALSE"
	case "MANIFEST":
		x.manifest = "PLAIN"
		if o.Value == "VERBOSE" {
			x.manifest = "VERBOSE"
		}
	case "EXTENSION":
		x.extension = "." + strings.TrimPrefix(o.Value, ".")
	case "MAXFILESIZE":
		x.maxBytes, err = sizeOption(o, leastFileSize, mostFileSize, "5 MB and 6.2 GB")
	case "ROWGROUPSIZE":
		x.groupBytes, err = sizeOption(o, leastGroupSize, mostGroupSize, "32 MB and 128 MB")
	case "PARTITION BY":
		x.partitions, x.include = o.List, o.Value == "INCLUDE"
	default:
		if !slices.Contains(ignoredUnloadOptions, o.Name) {
			return refuse(o.Name)
		}
	}
	return err
}

// sizeOption reads a size in MB (also without a unit) or GB.
func sizeOption(o syntax.Option, least, most int64, between string) (int64, error) {
	size, err := strconv.ParseFloat(o.Value, 64)
	if err != nil {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid %s %s", o.Name, o.Value)
	}
	unit := float64(1 << 20)
	if o.Second == "GB" {
		unit = 1 << 30
	}
	if n := int64(size * unit); n >= least && n <= most {
		return n, nil
	}
	return 0, sqlerr.New(sqlerr.InvalidParameterValue, "%s must be between %s", o.Name, between)
}

// unloadWidths reads FIXEDWIDTH 'label:width, ...'.
func unloadWidths(text string) ([]int, error) {
	var out []int
	for _, part := range strings.Split(text, ",") {
		_, size, ok := strings.Cut(part, ":")
		n, err := strconv.Atoi(strings.TrimSpace(size))
		if !ok || err != nil || n < 1 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid FIXEDWIDTH specification \"%s\"", strings.TrimSpace(part))
		}
		out = append(out, n)
	}
	return out, nil
}

// checkOptions refuses what does not go together ("UNLOAD": parameters).
func (x *export) checkOptions(list []syntax.Option, delimited bool) error {
	bad := ""
	for _, o := range list {
		var not []string
		switch x.format {
		case "PARQUET":
			not = []string{"HEADER", "ADDQUOTES", "ESCAPE", "DELIMITER", "NULL", "GZIP", "ZSTD"}
		case "JSON":
			not = []string{"HEADER", "ADDQUOTES", "ESCAPE", "DELIMITER", "NULL"}
		case "CSV":
			not = []string{"ADDQUOTES", "ESCAPE"}
		case "FIXEDWIDTH":
			not = []string{"HEADER", "ADDQUOTES", "ESCAPE", "DELIMITER"}
		}
		if slices.Contains(not, o.Name) {
			bad = o.Name
		}
	}
	switch {
	case bad != "":
		return sqlerr.New(sqlerr.FeatureNotSupported, "%s is not supported for UNLOAD to %s", bad, x.format)
	case x.overwrite && x.cleanPath:
		return sqlerr.New(sqlerr.SyntaxError, "ALLOWOVERWRITE and CLEANPATH options cannot be specified together")
	case x.groupBytes > 0 && x.format != "PARQUET":
		return sqlerr.New(sqlerr.FeatureNotSupported, "ROWGROUPSIZE is only supported for UNLOAD to PARQUET")
	case delimited && len(x.delimiter) != 1:
		return sqlerr.New(sqlerr.InvalidParameterValue, "UNLOAD delimiter must be a single ASCII character")
	}
	return nil
}
