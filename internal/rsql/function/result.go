package function

import "strings"

// Result says what type a function gives.
type Result uint8

// The results: a type of a fixed name, or one that the arguments decide.
const (
	// Unsaid is not known without asking the database.
	Unsaid Result = iota
	// Fixed is the type Returns names.
	Fixed
	// First is the first argument's type without its length, Second the second's.
	First
	Second
	// Common is the type all arguments have in common.
	Common
	// Sum and Average widen the argument's type as those aggregates do.
	Sum
	Average
	// Moment is a date or time argument's type, a timestamp for a text.
	Moment
	// Sample is what MEDIAN and PERCENTILE_CONT give for the sort key.
	Sample
	// Sorted is the sort key's type.
	Sorted
	// Whole is an exact argument's type, a double's for a double.
	Whole
)

// Returns says what type a call of the function gives; name is for Fixed, as
// rsql/types reads it.
func (f Function) Returns() (kind Result, name string) {
	if r, ok := results[f.Name]; ok {
		return r.kind, r.name
	}
	return Unsaid, ""
}

type result struct {
	kind Result
	name string
}

// results are the types of the reference's pages "Return type".
var results = resultTable()

func resultTable() map[string]result {
	m := map[string]result{}
	fixed := func(name, functions string) {
		for _, f := range strings.Fields(functions) {
			m[f] = result{Fixed, name}
		}
	}
	of := func(kind Result, functions string) {
		for _, f := range strings.Fields(functions) {
			m[f] = result{kind: kind}
		}
	}
	fixed("bigint", "count row_number rank dense_rank ntile grouping grouping_id datediff date_diff fnv_hash farmfingerprint64 xxhash64 strtol get_array_length hll_cardinality hll")
	fixed("integer", `checksum len length char_length character_length textlen octet_length ascii strpos charindex position regexp_count regexp_instr
		octetindex difference bpcharcmp bttext_pattern_cmp date_cmp date_cmp_timestamp date_cmp_timestamptz timestamp_cmp timestamp_cmp_date
		timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date timestamptz_cmp_timestamp interval_cmp date_part_year json_array_length
		getbit array_position text_to_int_alt size get_number_attributes last_user_query_id murmur3_32_hash width_bucket json_size decimal_precision decimal_scale pg_backend_pid current_user_id`)
	fixed("varchar", `lower upper initcap substring substr trim btrim ltrim rtrim replace left right concat to_char listagg string_agg lpad rpad
		repeat replicate reverse translate chr md5 sha sha1 func_sha1 sha2 crc32 quote_ident quote_literal regexp_replace regexp_substr soundex
		split_part to_hex json_extract_path_text json_extract_array_element_text json_serialize json_typeof timeofday text from_varbyte
		pg_get_userbyid pg_get_viewdef pg_get_expr pg_get_constraintdef pg_get_indexdef pg_get_functiondef format_type format_encoding oidvectortypes
		array_to_string makeaclitem regprocedureout textin pg_encoding_to_char obj_description col_description shobj_description pg_size_pretty
		collate version set_config current_namespace current_database current_schema current_user session_user user current_setting`)
	fixed("boolean", `bool_and bool_or can_json_parse is_valid_json is_valid_json_array is_array is_bigint is_boolean is_char is_decimal
		is_float array_contains arrays_overlap is_integer is_object is_scalar is_smallint is_varchar aclcontains`)
	fixed("double precision", `acos asin atan atan2 cbrt cos cot degrees dexp dlog1 dlog10 exp ln log pi radians random sin sqrt tan
		pow power percent_rank cume_dist ratio_to_report months_between date_part datepart pgdate_part stddev stddev_samp stddev_pop variance var_samp var_pop`)
	fixed("timestamp", "getdate convert_timezone sysdate add_months to_timestamp localtimestamp")
	fixed("timestamptz", "current_timestamp now to_timestamp")
	fixed("date", "current_date to_date last_day next_day date")
	fixed("varbyte", "to_varbyte from_hex json_serialize_to_varbyte")
	fixed("hllsketch", "hll_create_sketch hll_combine hll_combine_sketches")
	fixed("super", "json_parse array object object_transform array_concat array_flatten split_to_array subarray array_distinct array_except array_intersection array_positions array_sort array_union lower_attribute_names upper_attribute_names")
	of(First, "min max any_value lag lead first_value last_value nth_value nullif bit_and bit_or isnull abs ceil ceiling floor round trunc mod dayofweek")
	of(Common, "generate_series coalesce nvl ifnull isnull greatest least")
	of(Sum, "sum")
	of(Average, "avg")
	of(Moment, "dateadd date_add date_trunc")
	of(Sample, "median percentile_cont")
	of(Sorted, "percentile_disc approximate_percentile_disc")
	of(Whole, "sign")
	delete(m, "dayofweek")
	return m
}
