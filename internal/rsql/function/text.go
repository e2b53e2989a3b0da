package function

// textArguments are the arguments that functions read as text: numbers, dates
// and times are converted ("Type compatibility and conversion" of the guide).
var textArguments = map[string][]int{
	"ascii": {0}, "btrim": {0, 1}, "char_length": {0}, "character_length": {0}, "charindex": {0, 1}, "chr": nil, "crc32": {0}, "difference": {0, 1},
	"func_sha1": {0}, "initcap": {0}, "left": {0}, "len": {0}, "length": {0}, "lower": {0}, "lpad": {0, 2}, "ltrim": {0, 1}, "md5": {0},
	"octet_length": {0}, "octetindex": {0, 1}, "position": {0, 1}, "quote_ident": {0}, "quote_literal": {0},
	"regexp_count": {0, 1}, "regexp_instr": {0, 1}, "regexp_replace": {0, 1, 2}, "regexp_substr": {0, 1}, "repeat": {0}, "replace": {0, 1, 2}, "replicate": {0},
	"reverse": {0}, "right": {0}, "rpad": {0, 2}, "rtrim": {0, 1}, "sha": {0}, "sha1": {0}, "sha2": {0}, "soundex": {0}, "split_part": {0, 1}, "strpos": {0, 1}, "strtol": {0},
	"substr": {0}, "substring": {0}, "textlen": {0}, "translate": {0, 1, 2}, "trim": {0, 1}, "upper": {0}, "concat": {0, 1}, "to_date": {0}, "to_timestamp": {0}, "to_number": {0},
	"split_to_array": {0}, "string_to_array": {0, 1},
}

// TextArguments gives the places of a function's arguments that are texts.
func TextArguments(name string) []int { return textArguments[name] }
