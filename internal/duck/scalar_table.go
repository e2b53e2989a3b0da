package duck

import "slices"

// scalars are the functions written in Go. Overloads of a name follow each
// other. The table never changes.
var scalars = slices.Concat(
	overloads("stepwell_fnv", BigInt, BigInt, fnvHash),
	overloads("stepwell_hll_coupon", BigInt, BigInt, hllCoupon),
	overloads("stepwell_murmur3", Integer, BigInt, murmur3),
	overloads("stepwell_xxhash64", BigInt, BigInt, xxHash64),
	[]scalar{
		{"stepwell_array_flatten", []Kind{Varchar}, Varchar, arrayFlatten},
		{"stepwell_crc32", []Kind{Varchar}, Varchar, crc},
		{"stepwell_crc32", []Kind{Blob}, Varchar, crc},
		{"stepwell_divide", []Kind{Varchar, Varchar, BigInt}, Varchar, divideDecimals},
		{"stepwell_farmhash", []Kind{Varchar}, BigInt, farmFingerprint},
		{"stepwell_farmhash", []Kind{Blob}, BigInt, farmFingerprint},
		{"stepwell_attribute_names", []Kind{Varchar, Bool}, Varchar, attributeNames},
		{"stepwell_hll_cardinality", []Kind{Varchar}, BigInt, hllCardinality},
		{"stepwell_hll_combine", []Kind{Varchar}, Varchar, hllCombine},
		{"stepwell_hll_sketch", []Kind{Varchar}, Varchar, hllSketch},
		{"stepwell_object_transform", []Kind{Varchar, Varchar, Varchar}, Varchar, objectTransform},
		{"stepwell_parse_time", []Kind{Varchar, Varchar}, Timestamp, parseTime},
		{"stepwell_regexp_count", []Kind{Varchar, Varchar, BigInt, Varchar}, Integer, regexpCount},
		{"stepwell_regexp_instr", []Kind{Varchar, Varchar, BigInt, BigInt, BigInt, Varchar}, Integer, regexpInstr},
		{"stepwell_regexp_replace", []Kind{Varchar, Varchar, Varchar, BigInt, Varchar}, Varchar, regexpReplace},
		{"stepwell_regexp_substr", []Kind{Varchar, Varchar, BigInt, BigInt, Varchar}, Varchar, regexpSubstr},
		{"stepwell_remainder", []Kind{Varchar, Varchar, BigInt}, Varchar, decimalRemainder},
		{"stepwell_sha2", []Kind{Varchar, BigInt}, Varchar, sha2},
		{"stepwell_sha2", []Kind{Blob, BigInt}, Varchar, sha2},
		{"stepwell_soundex", []Kind{Varchar}, Varchar, soundex},
		{"stepwell_time_char", []Kind{Timestamp, Varchar, Varchar}, Varchar, timeToChar},
		{"stepwell_to_char", []Kind{Varchar, Varchar}, Varchar, numberToChar},
		{"stepwell_to_number", []Kind{Varchar, Varchar}, Varchar, textToNumber},
		{"stepwell_zone_offset", []Kind{Varchar}, BigInt, zoneOffset},
	})

// hashed are the types the hash functions take.
var hashed = []Kind{Bool, SmallInt, Integer, BigInt, Float, Double, Varchar, Blob, Date, Timestamp, TimestampTZ, Time, TimeTZ}

// overloads gives a hash function with a seed for every type it takes.
func overloads(name string, result, seed Kind, row func([]Vector, int, *output) error) []scalar {
	var list []scalar
	for _, k := range hashed {
		list = append(list, scalar{name, []Kind{k, seed}, result, row})
	}
	return list
}
