package warehouse

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/sqlerr"
)

// parameter is a configuration parameter of Redshift ("Configuration
// reference" of the Database Developer Guide) or of PostgreSQL that drivers set.
type parameter struct {
	def      string
	kind     kind
	readOnly bool
	reported bool // sent to the client as ParameterStatus when it changes
}

type kind int

const (
	free kind = iota
	boolean
	integer
	names
)

// parameters are the settings a session knows.
var parameters = map[string]parameter{
	"analyze_threshold_percent":               {def: "10"},
	"application_name":                        {reported: true},
	"backslash_quote":                         {def: "safe_encoding"},
	"bytea_output":                            {def: "hex"},
	"cast_super_null_on_error":                {def: "on", kind: boolean},
	"client_encoding":                         {def: "UTF8", reported: true},
	"client_min_messages":                     {def: "notice"},
	"database":                                {readOnly: true},
	"datashare_break_glass_session_var":       {},
	"datestyle":                               {def: "ISO, MDY", reported: true},
	"default_geometry_encoding":               {def: "1", kind: integer},
	"default_transaction_isolation":           {def: "serializable"},
	"describe_field_name_in_uppercase":        {def: "off", kind: boolean},
	"downcase_delimited_identifier":           {def: "on", kind: boolean},
	"enable_case_sensitive_identifier":        {def: "off", kind: boolean},
	"enable_case_sensitive_super_attribute":   {def: "off", kind: boolean},
	"enable_numeric_rounding":                 {def: "on", kind: boolean},
	"enable_result_cache_for_session":         {def: "on", kind: boolean},
	"enable_vacuum_boost":                     {def: "off", kind: boolean},
	"error_on_nondeterministic_update":        {def: "off", kind: boolean},
	"extra_float_digits":                      {def: "0", kind: integer},
	"integer_datetimes":                       {def: "on", readOnly: true, reported: true},
	"interval_forbid_composite_literals":      {def: "off", kind: boolean},
	"is_superuser":                            {def: "on", readOnly: true, reported: true},
	"json_parse_dedup_attributes":             {def: "off", kind: boolean},
	"json_parse_truncate_strings":             {def: "off", kind: boolean},
	"json_serialization_enable":               {def: "off", kind: boolean},
	"json_serialization_parse_nested_strings": {def: "off", kind: boolean},
	"lc_collate":                              {def: "C", readOnly: true},
	"max_concurrency_scaling_clusters":        {def: "1", kind: integer},
	"max_cursor_result_set_size":              {def: "default"},
	"mv_enable_aqmv_for_session":              {def: "on", kind: boolean},
	"navigate_super_null_on_error":            {def: "on", kind: boolean},
	"parse_super_null_on_error":               {def: "off", kind: boolean},
	"pg_federation_repeatable_read":           {def: "on", kind: boolean},
	"query_group":                             {def: "unset"},
	"readonly":                                {def: "0", kind: integer},
	"search_path":                             {def: `$user, public`, kind: names},
	"server_encoding":                         {def: "UNICODE", readOnly: true},
	"server_version":                          {def: "8.0.2", readOnly: true, reported: true},
	"session_authorization":                   {reported: true},
	"spectrum_enable_pseudo_columns":          {def: "on", kind: boolean},
	"spectrum_query_maxerror":                 {def: "-1", kind: integer},
	"standard_conforming_strings":             {def: "off", reported: true},
	"statement_timeout":                       {def: "0", kind: integer},
	"stored_proc_log_min_messages":            {def: "log"},
	"timezone":                                {def: "UTC", reported: true},
	"transaction_isolation":                   {def: "serializable"},
	"transaction_read_only":                   {def: "off", kind: boolean},
	"use_fips_ssl":                            {def: "off", kind: boolean},
	"wlm_query_slot_count":                    {def: "1", kind: integer},
}

// settings are the values of one session; what is not in values has its default.
type settings struct {
	values map[string]string
	base   map[string]string // what RESET goes back to: given at connect
	digits int               // extra_float_digits
	zone   *time.Location
	dirty  bool // the DuckDB connection does not know the last change
	// version moves with every change, also with one that is undone.
	version int64
}

func newSettings(given map[string]string) *settings {
	s := &settings{values: map[string]string{}, base: map[string]string{}, zone: time.UTC, dirty: true}
	for name, value := range given {
		if p, ok := parameters[strings.ToLower(name)]; ok && !p.readOnly {
			if s.set(strings.ToLower(name), []string{value}) == nil {
				s.base[strings.ToLower(name)] = s.values[strings.ToLower(name)]
			}
		}
	}
	return s
}

func unknownParameter(name string) error {
	return sqlerr.New(sqlerr.UndefinedObject, "unrecognized configuration parameter \"%s\"", name)
}

// get is the value as SHOW prints it.
func (s *settings) get(name string) (string, bool) {
	if v, ok := s.values[name]; ok {
		return v, true
	}
	p, ok := parameters[name]
	return p.def, ok
}

func (s *settings) list(name string) []string {
	text, _ := s.get(name)
	var out []string
	for _, part := range strings.Split(text, ",") {
		part = strings.Trim(strings.TrimSpace(part), `"`)
		if part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (s *settings) set(name string, values []string) error {
	p, ok := parameters[name]
	if !ok && strings.Contains(name, ".") { // a session context variable, for row-level security policies
		p, ok = parameter{}, true
	}
	if !ok {
		return unknownParameter(name)
	}
	if p.readOnly {
		return sqlerr.New("55P02", "parameter \"%s\" cannot be changed", name)
	}
	value := strings.Join(values, ", ")
	switch p.kind {
	case boolean:
		on, ok := parseBool(value)
		if !ok {
			return sqlerr.New(sqlerr.InvalidParameterValue, "parameter \"%s\" requires a Boolean value", name)
		}
		value = map[bool]string{true: "on", false: "off"}[on]
	case integer:
		if _, err := strconv.Atoi(value); err != nil {
			return sqlerr.New(sqlerr.InvalidParameterValue, "parameter \"%s\" requires an integer value", name)
		}
	}
	switch name {
	case "timezone":
		zone, err := loadZone(value)
		if err != nil {
			return err
		}
		s.zone = zone
		value = zone.String()
	case "extra_float_digits":
		s.digits, _ = strconv.Atoi(value)
	case "datestyle":
		if word := unknownStyle(value); word != "" {
			return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized \"datestyle\" key word: \"%s\"", word)
		}
		value = dateStyle(value)
	}
	s.values[name] = value
	s.changed()
	return nil
}

func (s *settings) reset(name string) error {
	if name == "all" {
		for n := range maps.Clone(s.values) {
			if strings.Contains(n, ".") { // a session context variable
				delete(s.values, n)
				continue
			}
			if parameters[n].readOnly {
				continue
			}
			if err := s.reset(n); err != nil {
				return err
			}
		}
		return nil
	}
	p, ok := parameters[name]
	if !ok {
		return unknownParameter(name)
	}
	if value, ok := s.base[name]; ok {
		return s.set(name, []string{value})
	}
	if _, ok := s.values[name]; !ok {
		return nil
	}
	err := s.set(name, []string{p.def})
	delete(s.values, name)
	s.changed()
	return err
}

// snapshot and restore undo what a rolled back transaction set.
func (s *settings) snapshot() settings {
	c := *s
	c.values = maps.Clone(s.values)
	return c
}

func (s *settings) restore(c settings) {
	version := s.version
	*s = c
	s.version = version
	s.changed()
}

func (s *settings) changed() {
	s.dirty = true
	s.version++
}

func (s *settings) format() duck.Format { return duck.Format{Zone: s.zone, FloatDigits: s.digits} }

func (s *settings) on(name string) bool {
	v, _ := s.get(name)
	return v == "on"
}

func parseBool(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "on", "true", "t", "yes", "y", "1":
		return true, true
	case "off", "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}

func loadZone(name string) (*time.Location, error) {
	switch strings.ToLower(name) {
	case "default", "local", "utc", "gmt":
		return time.UTC, nil
	}
	if seconds, ok := duck.ZoneOffset(name); ok {
		if _, ok := duck.ZoneName(name); !ok {
			return nil, sqlerr.NotImplemented("the time zone " + name + " for a session")
		}
		return time.FixedZone(name, seconds), nil
	}
	if zone, err := time.LoadLocation(name); err == nil && name != "" {
		return zone, nil
	}
	if hours, err := strconv.Atoi(name); err == nil && hours >= -12 && hours <= 14 {
		return time.FixedZone(name, hours*3600), nil
	}
	return nil, sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized time zone name: \"%s\"", name)
}

// unknownStyle is the first word of a DateStyle that says nothing.
func unknownStyle(value string) string {
	known := strings.Fields("ISO SQL POSTGRES GERMAN MDY DMY YMD US EURO EUROPEAN NONEURO NONEUROPEAN DEFAULT")
	for _, word := range strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' }) {
		if !slices.Contains(known, strings.ToUpper(word)) {
			return word
		}
	}
	return ""
}

// dateStyle keeps the ISO output form: the order of day and month is all that
// a client may change.
func dateStyle(value string) string {
	up := strings.ToUpper(value)
	for _, order := range []string{"DMY", "YMD", "MDY"} {
		if strings.Contains(up, order) {
			return "ISO, " + order
		}
	}
	return "ISO, MDY"
}

// parameterNames lists the known parameters in order, for SHOW ALL.
func parameterNames() []string { return slices.Sorted(maps.Keys(parameters)) }
