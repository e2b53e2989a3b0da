-- Macros that give DuckDB Redshift's meaning. Loaded once into the in-memory
-- catalog "memory", schema "main", of every engine; the compiler calls them
-- unqualified.
--
-- Conventions:
--   * rs_NAME says Redshift's function NAME; the row of rsql/function/table.go
--     with kind Macro calls it. A name of two words says what a rule of
--     rsql/lower needs (rs_fit_varchar, rs_sum_result).
--   * An overload is chosen by the types of the arguments. DECIMAL would take a
--     DOUBLE overload, so what must stay DECIMAL goes to the untyped one, and
--     cast_to_type gives a result the type of a sample that is never computed.
--   * An argument used twice is written twice into the plan; DuckDB computes
--     common subexpressions once, but a macro over a subquery runs it twice.
--   * Macros take neither OVER nor DISTINCT nor FILTER: the compiler hands the
--     plain aggregate to rs_x_result or rs_x_agg with a sample argument.
--   * error('SQLSTATE:text') is how a macro raises; duck/errors.go takes it
--     apart. Where a type is needed around it, cast it.
--   * A pattern (regular expression, strptime) must be constant for DuckDB to
--     compile it once; the compiler translates what it can.
--   * stepwell_NAME is a function in Go (duck/scalar_table.go), for what SQL
--     cannot say. Only macros call them.

-- Arithmetic -----------------------------------------------------------------

CREATE MACRO rs_nonzero(b) AS CASE WHEN b = 0 THEN error('22012:Divide by zero') ELSE b END;

-- The divisor b of a, which may not be 0 unless a is NULL.
CREATE MACRO rs_divisor(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL THEN error('22012:Divide by zero') ELSE b END;

CREATE MACRO rs_div(a SMALLINT, b SMALLINT) AS a // rs_divisor(a, b),
  (a INTEGER, b INTEGER) AS a // rs_divisor(a, b),
  (a BIGINT, b BIGINT) AS a // rs_divisor(a, b),
  (a HUGEINT, b HUGEINT) AS a // rs_divisor(a, b),
  (a, b) AS cast_to_type(a / rs_divisor(a, b), (a + b) * 1.00000000);

CREATE MACRO rs_mod(a, b) AS a % rs_divisor(a, b);

-- Decimals as texts, where no type of DuckDB has room for the computation.
CREATE MACRO rs_divide(a, b, scale) AS stepwell_divide(a, b, CAST(scale AS BIGINT));
CREATE MACRO rs_remainder(a, b, scale) AS stepwell_remainder(a, b, CAST(scale AS BIGINT));

-- Shifts drop the bits that leave the type, where DuckDB fails.
CREATE MACRO rs_wrapped(x, size) AS ((x % size) + size + size // 2) % size - size // 2;
CREATE MACRO rs_shift_left(a SMALLINT, n) AS CAST(rs_wrapped(CAST(a AS BIGINT) * (CAST(1 AS BIGINT) << CAST(n % 32 AS BIGINT)), CAST(65536 AS BIGINT)) AS SMALLINT),
  (a INTEGER, n) AS CAST(rs_wrapped(CAST(a AS HUGEINT) * (CAST(1 AS HUGEINT) << CAST(n % 32 AS HUGEINT)), CAST(4294967296 AS HUGEINT)) AS INTEGER),
  (a BIGINT, n) AS CAST(rs_wrapped(CAST(a AS HUGEINT) * (CAST(1 AS HUGEINT) << CAST(n % 64 AS HUGEINT)) % CAST(18446744073709551616 AS HUGEINT), CAST(18446744073709551616 AS HUGEINT)) AS BIGINT);

CREATE MACRO rs_avg(x SMALLINT) AS CAST(sum(x) // count(x) AS BIGINT),
  (x INTEGER) AS CAST(sum(x) // count(x) AS BIGINT),
  (x BIGINT) AS CAST(sum(x) // count(x) AS BIGINT),
  (x HUGEINT) AS sum(x) // count(x),
  (x) AS cast_to_type(avg(x), any_value(x));

CREATE MACRO rs_avg_result(v, x SMALLINT) AS CAST(trunc(v) AS BIGINT),
  (v, x INTEGER) AS CAST(trunc(v) AS BIGINT),
  (v, x BIGINT) AS CAST(trunc(v) AS BIGINT),
  (v, x HUGEINT) AS CAST(trunc(v) AS HUGEINT),
  (v, x) AS cast_to_type(v, x);

-- The average of decimals: their total in units of the last digit is divided, and rounded. A double holds the units of small totals.
CREATE MACRO rs_units(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT);
CREATE MACRO rs_half_up(a, b) AS (2 * a + CASE WHEN a < 0 THEN -b ELSE b END) // (2 * b);
CREATE MACRO rs_exact_average(total, n, unit) AS CASE
  WHEN abs(CAST(total AS DOUBLE) / CAST(unit AS DOUBLE)) < 1e14 THEN CAST(rs_half_up(CAST(CAST(total AS DOUBLE) / CAST(unit AS DOUBLE) AS BIGINT), n) AS DECIMAL(38,0))
  ELSE CAST(rs_half_up(rs_units(total), CAST(n AS HUGEINT)) AS DECIMAL(38,0)) END * unit;

CREATE MACRO rs_sum(x SMALLINT) AS CAST(sum(x) AS BIGINT),
  (x INTEGER) AS CAST(sum(x) AS BIGINT),
  (x BIGINT) AS CAST(sum(x) AS DECIMAL(38,0)),
  (x) AS sum(x);

CREATE MACRO rs_sum_result(v, x SMALLINT) AS CAST(v AS BIGINT),
  (v, x INTEGER) AS CAST(v AS BIGINT),
  (v, x BIGINT) AS CAST(v AS DECIMAL(38,0)),
  (v, x) AS v;

-- The same for aggregates with DISTINCT or FILTER: x is the bare argument, of
-- which only the type counts.
CREATE MACRO rs_avg_agg(v, x SMALLINT) AS CAST(trunc(v) AS BIGINT),
  (v, x INTEGER) AS CAST(trunc(v) AS BIGINT),
  (v, x BIGINT) AS CAST(trunc(v) AS BIGINT),
  (v, x HUGEINT) AS CAST(trunc(v) AS HUGEINT),
  (v, x) AS cast_to_type(v, any_value(x));
CREATE MACRO rs_sum_agg(v, x SMALLINT) AS CAST(v AS BIGINT),
  (v, x INTEGER) AS CAST(v AS BIGINT),
  (v, x BIGINT) AS CAST(v AS DECIMAL(38,0)),
  (v, x) AS v;

-- A quotient of the type of sample, which the compiler computed.
CREATE MACRO rs_div_scaled(a, b, sample) AS cast_to_type(a / rs_divisor(a, b), sample);

-- A text without trailing blanks, which do not count in comparisons. rtrim reads
-- the whole text, letter by letter: most have no blank at the end, or one.
CREATE MACRO rs_blankless(x) AS CASE WHEN suffix(x, ' ')
  THEN CASE WHEN suffix(x, '  ') THEN rtrim(x, ' ') ELSE substring(x, 1, length(x) - 1) END ELSE x END;

-- Text limited in bytes --------------------------------------------------------

-- The longest prefix of t of at most n bytes.
CREATE MACRO rs_cut(t, n) AS CASE
  WHEN strlen(t) <= n THEN t
  WHEN strlen(t) = length(t) THEN left(t, n)
  -- The text goes in as the list, not into the lambda, which may hold no subquery.
  ELSE list_transform([{'t': t, 'n': n}], lambda s: left(s.t, list_max(list_filter(range(s.n + 1), lambda k: strlen(left(s.t, k)) <= s.n))))[1] END;

CREATE MACRO rs_varchar(x, n) AS rs_cut(CAST(x AS VARCHAR), n);
CREATE MACRO rs_char(x, n) AS rtrim(rs_cut(CAST(x AS VARCHAR), n));

CREATE MACRO rs_fit_varchar(x, n) AS CASE
  WHEN strlen(CAST(x AS VARCHAR)) > n THEN
    CASE WHEN strlen(rtrim(CAST(x AS VARCHAR))) <= n THEN rs_cut(CAST(x AS VARCHAR), n)
    ELSE error('22001:value too long for type character varying(' || n || ')') END
  ELSE CAST(x AS VARCHAR) END;
CREATE MACRO rs_fit_char(x, n) AS CASE
  WHEN strlen(rtrim(CAST(x AS VARCHAR))) > n THEN error('22001:value too long for type character(' || n || ')')
  ELSE rtrim(CAST(x AS VARCHAR)) END;

-- Mathematics -------------------------------------------------------------------

CREATE MACRO rs_ceil(x) AS ceil(x);
CREATE MACRO rs_floor(x) AS floor(x);
CREATE MACRO rs_ln(x) AS ln(x);
CREATE MACRO rs_log(x) AS log10(x), (b, x) AS ln(x) / ln(b);
CREATE MACRO rs_round(x) AS round(x), (x, n) AS round(x, CAST(n AS INTEGER));
CREATE MACRO rs_sign(x) AS sign(x);
CREATE MACRO rs_sqrt(x) AS sqrt(x);
CREATE MACRO rs_trunc(x DATE) AS x,
  (x TIMESTAMP) AS CAST(x AS DATE),
  (x) AS trunc(x),
  (x, n) AS cast_to_type(CASE WHEN n >= 0 AND abs(x) < 1e15 THEN trunc(x * power(10::DECIMAL(3,0), n)) / power(10::DECIMAL(3,0), n) ELSE trunc(x / power(10, -n)) * power(10, -n) END, x);
-- Where the result is no finite number although the arguments are, PostgreSQL raises.
CREATE MACRO rs_power(x, y) AS CASE
  WHEN x = 0 AND y < 0 THEN CAST(error('2201F:zero raised to a negative power is undefined') AS DOUBLE)
  WHEN isnan(pow(x, y)) AND NOT isnan(CAST(x AS DOUBLE)) AND NOT isnan(CAST(y AS DOUBLE)) THEN CAST(error('2201F:a negative number raised to a non-integer power yields a complex result') AS DOUBLE)
  WHEN isinf(pow(x, y)) AND isfinite(CAST(x AS DOUBLE)) AND isfinite(CAST(y AS DOUBLE)) THEN CAST(error('22003:value out of range: overflow') AS DOUBLE)
  ELSE pow(x, y) END;
CREATE MACRO rs_exp(x) AS CASE WHEN isinf(exp(x)) AND isfinite(CAST(x AS DOUBLE)) THEN CAST(error('22003:value out of range: overflow') AS DOUBLE) ELSE exp(x) END;
CREATE MACRO rs_width_bucket(x, lo, hi, n) AS CAST(CASE
  WHEN x < lo THEN 0 WHEN x >= hi THEN n + 1
  ELSE floor((CAST(x AS DOUBLE) - lo) / (hi - lo) * n) + 1 END AS INTEGER);

-- Text ----------------------------------------------------------------------------

CREATE MACRO rs_odd_float(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END;
CREATE MACRO rs_double_text(x) AS CASE WHEN isfinite(x) THEN format('{:.15g}', CAST(x AS DOUBLE)) WHEN x IS NOT NULL THEN rs_odd_float(x) END;
CREATE MACRO rs_real_text(x) AS CASE WHEN isfinite(x) THEN format('{:.6g}', CAST(x AS DOUBLE)) WHEN x IS NOT NULL THEN rs_odd_float(x) END;
-- greatest passes over NULL.
CREATE MACRO rs_at_least(x, least) AS CASE WHEN x < least THEN least ELSE x END;
CREATE MACRO rs_text(x) AS CASE
  WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN regexp_replace(CAST(x AS VARCHAR), '\.0$', '')
  ELSE CAST(x AS VARCHAR) END;
CREATE MACRO rs_len(s) AS CAST(length(CAST(s AS VARCHAR)) AS INTEGER);
CREATE MACRO rs_strpos(s, part) AS CAST(strpos(s, part) AS INTEGER);
CREATE MACRO rs_octetindex(part, s) AS CASE WHEN strpos(s, part) = 0 THEN 0 ELSE CAST(strlen(left(s, strpos(s, part) - 1)) + 1 AS INTEGER) END;
CREATE MACRO rs_octet_length(s VARCHAR) AS CAST(strlen(s) AS INTEGER), (s BLOB) AS CAST(octet_length(s) AS INTEGER);
CREATE MACRO rs_repeat(s, n) AS repeat(s, CAST(rs_at_least(n, 0) AS BIGINT));
CREATE MACRO rs_left(s, n) AS left(s, CAST(n AS BIGINT));
CREATE MACRO rs_right(s, n) AS right(s, CAST(n AS BIGINT));
-- DuckDB splits into letters where the delimiter is empty.
CREATE MACRO rs_split_part(s, d, n) AS CASE
  WHEN n < 1 AND s IS NOT NULL AND d IS NOT NULL THEN error('22023:field position must be greater than zero')
  WHEN d = '' THEN CASE WHEN n = 1 THEN s WHEN s IS NOT NULL THEN '' END
  ELSE split_part(s, d, CAST(n AS BIGINT)) END;
-- An empty filling fills nothing, and only what is too long is cut.
CREATE MACRO rs_lpad(s, n, fill) AS CASE WHEN fill = '' THEN left(s, CAST(rs_at_least(n, 0) AS BIGINT)) ELSE lpad(s, CAST(n AS INTEGER), fill) END;
CREATE MACRO rs_rpad(s, n, fill) AS CASE WHEN fill = '' THEN left(s, CAST(rs_at_least(n, 0) AS BIGINT)) ELSE rpad(s, CAST(n AS INTEGER), fill) END;
-- The letter sharp s has no capital in Redshift's locale.
CREATE MACRO rs_upper(s) AS CASE WHEN contains(s, 'ß') THEN replace(upper(s), 'ẞ', 'ß') ELSE upper(s) END;
CREATE MACRO rs_chr(n) AS CASE WHEN n = 0 THEN '' ELSE chr(CAST(n AS INTEGER)) END;
CREATE MACRO rs_substring_text(s, p) AS substring(s, CAST(rs_at_least(p, 1) AS BIGINT)),
  (s, p, n) AS substring(s, CAST(rs_at_least(p, 1) AS BIGINT), CAST(rs_at_least(p + n - rs_at_least(p, 1), 0) AS BIGINT));
CREATE MACRO rs_substring(s VARCHAR, p) AS substring(s, CAST(rs_at_least(p, 1) AS BIGINT)),
  (s VARCHAR, p, n) AS substring(s, CAST(rs_at_least(p, 1) AS BIGINT), CAST(rs_at_least(p + n - rs_at_least(p, 1), 0) AS BIGINT)),
  (s BLOB, p) AS s[CAST(rs_at_least(p, 1) AS BIGINT):],
  (s BLOB, p, n) AS s[CAST(rs_at_least(p, 1) AS BIGINT):CAST(p + n - 1 AS BIGINT)];
CREATE MACRO rs_initcap(s) AS array_to_string(list_transform(range(1, length(s) + 1), lambda i:
  CASE WHEN i = 1 OR NOT regexp_matches(substring(s, i - 1, 1), '[\pL\pN]') THEN rs_upper(substring(s, i, 1)) ELSE lower(substring(s, i, 1)) END), '');
CREATE MACRO rs_bpcharcmp(a, b) AS CASE WHEN rtrim(a) > rtrim(b) THEN 1 WHEN rtrim(a) < rtrim(b) THEN -1 WHEN rtrim(a) = rtrim(b) THEN 0 END;
CREATE MACRO rs_bttext_pattern_cmp(a, b) AS CASE WHEN a > b THEN 1 WHEN a < b THEN -1 WHEN a = b THEN 0 END;
CREATE MACRO rs_quote_ident(s) AS CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_$]*') THEN s ELSE '"' || replace(s, '"', '""') || '"' END;
CREATE MACRO rs_quote_literal(s) AS '''' || replace(replace(CAST(s AS VARCHAR), '\', '\\'), '''', '''''') || '''';
CREATE MACRO rs_sha2(s, bits) AS stepwell_sha2(s, CAST(bits AS BIGINT));
-- A number in text as Teradata writes it: a sign at either end, an exponent, blanks for 0.
CREATE MACRO rs_signed(s) AS CASE WHEN s LIKE '%-' THEN '-' || rtrim(s, '-') WHEN s LIKE '%+' THEN rtrim(s, '+') WHEN s = '' THEN '0' ELSE s END;
CREATE MACRO rs_text_to_int_alt(s) AS CAST(trunc(CAST(rs_signed(trim(s)) AS DOUBLE)) AS INTEGER);
CREATE MACRO rs_text_to_numeric_alt(s) AS CAST(round_even(CAST(rs_signed(trim(s)) AS DECIMAL(38,10)), 0) AS DECIMAL(38,0));
-- Texts that are cast to whole numbers have no fraction.
CREATE MACRO rs_whole_text(s) AS CASE WHEN contains(s, '.') OR contains(s, 'e') OR contains(s, 'E') OR contains(s, 'x') OR contains(s, '_')
  THEN error('22P02:invalid input syntax for integer: "' || s || '"') ELSE s END;
CREATE MACRO rs_strtol(s, base) AS CASE WHEN s LIKE '-%' THEN -1 WHEN s IS NOT NULL AND base IS NOT NULL THEN 1 END * CAST(list_reduce(list_prepend(0::BIGINT,
  list_transform(string_split(ltrim(lower(CASE WHEN base = 16 THEN regexp_replace(s, '0[xX]', '') ELSE s END), '+-'), ''),
    lambda c: CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', c) - 1 AS BIGINT))), lambda a, b: a * base + b) AS BIGINT);
CREATE MACRO rs_regexp_count(s, p) AS CAST(len(regexp_extract_all(s, p)) AS INTEGER),
  (s, p, pos) AS CAST(len(regexp_extract_all(substring(s, pos), p)) AS INTEGER),
  (s, p, pos, flags) AS CAST(len(regexp_extract_all(substring(s, pos), CASE WHEN flags LIKE '%i%' THEN '(?i)' ELSE '' END || p)) AS INTEGER);
CREATE MACRO rs_regexp_substr(s, p) AS regexp_extract(s, p),
  (s, p, pos) AS regexp_extract(substring(s, pos), p),
  (s, p, pos, nth) AS CASE WHEN s IS NOT NULL AND p IS NOT NULL THEN coalesce(regexp_extract_all(substring(s, pos), p)[nth], '') END,
  (s, p, pos, nth, flags) AS CASE WHEN s IS NOT NULL AND p IS NOT NULL THEN coalesce(regexp_extract_all(substring(s, pos), CASE WHEN flags LIKE '%i%' THEN '(?i)' ELSE '' END || p, CASE WHEN flags LIKE '%e%' THEN 1 ELSE 0 END)[nth], '') END;
CREATE MACRO rs_regexp_instr(s, p) AS stepwell_regexp_instr(s, p, 1, 1, 0, ''),
  (s, p, pos) AS stepwell_regexp_instr(s, p, pos, 1, 0, ''),
  (s, p, pos, nth) AS stepwell_regexp_instr(s, p, pos, nth, 0, ''),
  (s, p, pos, nth, after) AS stepwell_regexp_instr(s, p, pos, nth, after, ''),
  (s, p, pos, nth, after, flags) AS stepwell_regexp_instr(s, p, pos, nth, after, flags);
CREATE MACRO rs_regexp_replace(s, p, r, pos) AS left(s, pos - 1) || regexp_replace(substring(s, pos), p, r, 'g'),
  (s, p, r, pos, flags) AS left(s, pos - 1) || regexp_replace(substring(s, pos), CASE WHEN flags LIKE '%i%' THEN '(?i)' ELSE '' END || p, r, 'g');
-- With the parameter p the pattern is PCRE's, which only the Go functions read.
CREATE MACRO rs_perl_count(s, p, pos, flags) AS stepwell_regexp_count(s, p, pos, flags);
CREATE MACRO rs_perl_replace(s, p, r, pos, flags) AS stepwell_regexp_replace(s, p, r, pos, flags);
CREATE MACRO rs_perl_substr(s, p, pos, nth, flags) AS stepwell_regexp_substr(s, p, pos, nth, flags);
CREATE MACRO rs_similar_pattern(p) AS '^(?:' || replace(replace(p, '%', '.*'), '_', '.') || ')$';
CREATE MACRO rs_to_hex(x INTEGER) AS lower(to_hex(CAST(x AS BIGINT) & 4294967295)), (x BIGINT) AS lower(to_hex(x)), (x BLOB) AS lower(hex(x));
CREATE MACRO rs_from_hex(s) AS unhex(s);
CREATE MACRO rs_to_varbyte(s, f) AS CASE lower(f) WHEN 'hex' THEN unhex(s) WHEN 'base64' THEN from_base64(s)
  WHEN 'binary' THEN CAST(CAST(lpad(s, CAST((length(s) + 7) // 8 * 8 AS INTEGER), '0') AS BIT) AS BLOB) WHEN 'utf8' THEN encode(s) WHEN 'utf-8' THEN encode(s)
  ELSE CAST(error('22023:invalid format: ' || f) AS BLOB) END;
CREATE MACRO rs_from_varbyte(b, f) AS CASE lower(f) WHEN 'hex' THEN lower(hex(b)) WHEN 'base64' THEN to_base64(b)
  WHEN 'binary' THEN CAST(CAST(b AS BIT) AS VARCHAR) WHEN 'utf8' THEN decode(b) WHEN 'utf-8' THEN decode(b)
  ELSE error('22023:invalid format: ' || f) END;
CREATE MACRO rs_varbyte(x VARCHAR) AS encode(x), (x BLOB) AS x, (x BIGINT) AS unhex(lpad(to_hex(x), 16, '0'));
CREATE MACRO rs_varbyte_text(b) AS decode(b);
CREATE MACRO rs_varbyte_and(a, b) AS CAST(CAST(a AS BIT) & CAST(b AS BIT) AS BLOB);
CREATE MACRO rs_varbyte_or(a, b) AS CAST(CAST(a AS BIT) | CAST(b AS BIT) AS BLOB);
CREATE MACRO rs_varbyte_xor(a, b) AS CAST(xor(CAST(a AS BIT), CAST(b AS BIT)) AS BLOB);
CREATE MACRO rs_varbyte_not(a) AS CAST(~CAST(a AS BIT) AS BLOB);
CREATE MACRO rs_getbit(b, n) AS CAST(get_bit(CAST(b AS BIT), CAST(octet_length(b) * 8 - 1 - n AS INTEGER)) AS INTEGER);
-- Hashes ------------------------------------------------------------------------------

CREATE MACRO rs_crc32(x) AS stepwell_crc32(x);
CREATE MACRO rs_farmfingerprint64(x) AS stepwell_farmhash(x);
CREATE MACRO rs_fnv_hash(x) AS stepwell_fnv(x, -3750763034362895579), (x, seed) AS stepwell_fnv(x, CAST(seed AS BIGINT));
CREATE MACRO rs_murmur3_32_hash(x) AS stepwell_murmur3(x, 0), (x, seed) AS stepwell_murmur3(x, CAST(seed AS BIGINT));
CREATE MACRO rs_xxhash64(x) AS stepwell_xxhash64(x, 0), (x, seed) AS stepwell_xxhash64(x, CAST(seed AS BIGINT));
CREATE MACRO rs_soundex(s) AS stepwell_soundex(s);
CREATE MACRO rs_same_at(a, b, i) AS CASE WHEN substring(a, i, 1) = substring(b, i, 1) THEN 1 WHEN a IS NOT NULL AND b IS NOT NULL THEN 0 END;
CREATE MACRO rs_same_codes(a, b) AS rs_same_at(a, b, 1) + rs_same_at(a, b, 2) + rs_same_at(a, b, 3) + rs_same_at(a, b, 4);
CREATE MACRO rs_difference(a, b) AS CAST(rs_same_codes(stepwell_soundex(a), stepwell_soundex(b)) AS INTEGER);

-- HyperLogLog sketches, kept as the JSON they print as.
CREATE MACRO rs_hll_coupon(x) AS CASE WHEN typeof(x) LIKE 'DECIMAL%' THEN stepwell_hll_coupon(CAST(x AS VARCHAR), 9001) ELSE stepwell_hll_coupon(x, 9001) END;
CREATE MACRO rs_hll_create_sketch(x) AS coalesce(stepwell_hll_sketch(string_agg(DISTINCT CAST(rs_hll_coupon(x) AS VARCHAR), ',')), '{"version":1,"logm":15,"sparse":{"indices":[],"values":[]}}');
CREATE MACRO rs_hll(x) AS stepwell_hll_cardinality(rs_hll_create_sketch(x));
CREATE MACRO rs_hll_cardinality(s) AS stepwell_hll_cardinality(s);
CREATE MACRO rs_hll_combine(s) AS stepwell_hll_combine(string_agg(s, chr(10)));
CREATE MACRO rs_hll_combine_sketches(a, b) AS stepwell_hll_combine(a || chr(10) || b);

CREATE MACRO rs_boolean_of(x) AS CASE WHEN lower(trim(x)) IN ('t', 'true', 'y', 'yes', '1', 'on') THEN true WHEN lower(trim(x)) IN ('f', 'false', 'n', 'no', '0', 'off') THEN false
    WHEN x IS NULL THEN NULL ELSE error('22P02:invalid input syntax for type boolean: "' || x || '"') END;
CREATE MACRO rs_boolean(x BOOLEAN) AS x,
  (x VARCHAR) AS CASE WHEN lower(trim(x)) IN ('t', 'true', 'y', 'yes', '1', 'on') THEN true WHEN lower(trim(x)) IN ('f', 'false', 'n', 'no', '0', 'off') THEN false
    WHEN x IS NULL THEN NULL ELSE error('22P02:invalid input syntax for type boolean: "' || x || '"') END,
  (x) AS x <> 0;

-- Dates and times -------------------------------------------------------------------

-- Times of a zone: TIMESTAMP passes the zone over, TIMESTAMPTZ wants seconds before it.
CREATE MACRO rs_zoneless(x) AS CASE WHEN contains(x, '+') OR contains(x, ':') THEN regexp_replace(x, '(:\d\d(\.\d+)?)\s*([-+]\d\d?(:?\d\d)?|[zZ]|[A-Za-z]{3,4})$', '\1') ELSE x END;
-- Years of two digits: 70 to 99 are of the 20th century. strptime reads them by %Y, too.
CREATE MACRO rs_full_year(t) AS CASE WHEN year(t) < 70 THEN t + to_years(2000) WHEN year(t) < 100 THEN t + to_years(1900) ELSE t END;
-- DuckDB passes over what stands behind a date, so that only what is no longer than one is read as one.
CREATE MACRO rs_date_text(x) AS coalesce(CASE WHEN strlen(x) <= 10 OR strlen(trim(x)) <= 10 THEN TRY_CAST(x AS DATE) END, CASE WHEN x LIKE 'J%' THEN DATE '2000-01-01' + (TRY_CAST(substring(x, 2, 7) AS INTEGER) - 2451545) END, CAST(TRY_CAST(rs_zoneless(x) AS TIMESTAMP) AS DATE), CAST(rs_full_year(try_strptime(x,
  ['%Y%m%d', '%m/%d/%Y', '%b-%d-%Y', '%d-%b-%Y', '%B %d, %Y', '%b %d, %Y', '%d %B %Y', '%Y-%b-%d', '%m-%d-%Y', '%m.%d.%Y', '%Y.%m.%d'])) AS DATE));
CREATE MACRO rs_date_of(x) AS CASE WHEN x IS NULL THEN NULL ELSE coalesce(rs_date_text(x), CAST(error('22007:invalid input syntax for type date: "' || x || '"') AS DATE)) END;
CREATE MACRO rs_date(x VARCHAR) AS CASE WHEN x IS NULL THEN NULL ELSE coalesce(rs_date_text(x), CAST(error('22007:invalid input syntax for type date: "' || x || '"') AS DATE)) END,
  (x DATE) AS x, (x TIMESTAMP) AS CAST(x AS DATE), (x TIMESTAMPTZ) AS CAST(x AS DATE);
CREATE MACRO rs_with_seconds(x) AS regexp_replace(x, '^(\S+[ T]\d?\d:\d\d)(\s*(?:[-+zZ]|[A-Za-z]{3}).*)$', '\1:00\2');
CREATE MACRO rs_timestamp_text(x) AS coalesce(TRY_CAST(rs_zoneless(x) AS TIMESTAMP), CASE WHEN x LIKE 'J% %' THEN rs_date_text(x) + TRY_CAST(substring(x, 10, 8) AS TIME) END, rs_full_year(try_strptime(x,
  ['%Y%m%d %H%M%S', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M', '%b %d,%Y %H:%M:%S', '%b %d, %Y %H:%M:%S', '%B %d, %Y %H:%M:%S', '%d-%b-%Y %H:%M:%S', '%d.%m.%Y %H:%M:%S', '%b-%d-%Y %H:%M:%S'])),
  CASE WHEN NOT contains(x, ':') THEN CAST(rs_date_text(x) AS TIMESTAMP) END);
CREATE MACRO rs_timestamp_of(x) AS CASE WHEN x IS NULL THEN NULL ELSE coalesce(rs_timestamp_text(x), CAST(error('22007:invalid input syntax for type timestamp: "' || x || '"') AS TIMESTAMP)) END;
CREATE MACRO rs_timestamp(x VARCHAR) AS CASE WHEN x IS NULL THEN NULL ELSE coalesce(rs_timestamp_text(x), CAST(error('22007:invalid input syntax for type timestamp: "' || x || '"') AS TIMESTAMP)) END,
  (x TIMESTAMP) AS x, (x DATE) AS CAST(x AS TIMESTAMP), (x TIMESTAMPTZ) AS CAST(x AS TIMESTAMP);
CREATE MACRO rs_timestamptz_of(x) AS CASE WHEN x IS NULL THEN NULL ELSE coalesce(TRY_CAST(x AS TIMESTAMPTZ), TRY_CAST(rs_with_seconds(x) AS TIMESTAMPTZ), CAST(rs_timestamp_text(x) AS TIMESTAMPTZ), CAST(error('22007:invalid input syntax for type timestamp with time zone: "' || x || '"') AS TIMESTAMPTZ)) END;
CREATE MACRO rs_timestamptz(x VARCHAR) AS CASE WHEN x IS NULL THEN NULL ELSE coalesce(TRY_CAST(x AS TIMESTAMPTZ), TRY_CAST(rs_with_seconds(x) AS TIMESTAMPTZ), CAST(rs_timestamp_text(x) AS TIMESTAMPTZ), CAST(error('22007:invalid input syntax for type timestamp with time zone: "' || x || '"') AS TIMESTAMPTZ)) END,
  (x TIMESTAMPTZ) AS x, (x TIMESTAMP) AS CAST(x AS TIMESTAMPTZ), (x DATE) AS CAST(x AS TIMESTAMPTZ);
CREATE MACRO rs_datetime(x VARCHAR) AS rs_timestamp_text(x), (x) AS x;
CREATE MACRO rs_cmp(a, b) AS CASE WHEN a > b THEN 1 WHEN a < b THEN -1 WHEN a = b THEN 0 END;
CREATE MACRO rs_getdate() AS date_trunc('second', CAST(get_current_timestamp() AS TIMESTAMP));
CREATE MACRO rs_timeofday() AS strftime(CAST(get_current_timestamp() AT TIME ZONE 'UTC' AS TIMESTAMP), '%a %b %d %H:%M:%S.%f %Y UTC');
CREATE MACRO rs_add_months(d, n) AS CASE
  WHEN last_day(d) = CAST(d AS DATE) THEN CAST(last_day(d + to_months(CAST(n AS INTEGER))) AS TIMESTAMP) + (CAST(d AS TIMESTAMP) - CAST(CAST(d AS DATE) AS TIMESTAMP))
  ELSE CAST(d + to_months(CAST(n AS INTEGER)) AS TIMESTAMP) END;
-- A leap day moved to a year without one is the first of March.
CREATE MACRO rs_add_years(d, n, months) AS CASE WHEN month(d) = 2 AND day(d) = 29 THEN d - to_days(1) + to_months(CAST(n AS INTEGER) * months) + to_days(1)
  ELSE d + to_months(CAST(n AS INTEGER) * months) END;
-- A date part that a parameter gives; the compiler knows the constant ones.
CREATE MACRO rs_part(p) AS CASE WHEN lower(p) IN ('mil', 'mils', 'millennia') THEN 'millennium' WHEN lower(p) IN ('c', 'cent', 'cents', 'centuries') THEN 'century' WHEN lower(p) IN ('dec', 'decs') THEN 'decade'
  WHEN lower(p) IN ('y', 'yr', 'yrs', 'yyyy', 'yy') THEN 'year' WHEN lower(p) IN ('qtr', 'qtrs', 'q', 'qq') THEN 'quarter' WHEN lower(p) IN ('mon', 'mons', 'mm') THEN 'month' WHEN lower(p) IN ('w', 'ww', 'wk') THEN 'week'
  WHEN lower(p) IN ('d', 'dd') THEN 'day' WHEN lower(p) IN ('h', 'hr', 'hrs', 'hh') THEN 'hour' WHEN lower(p) IN ('m', 'min', 'mins', 'mi', 'n') THEN 'minute' WHEN lower(p) IN ('s', 'sec', 'secs', 'ss') THEN 'second' ELSE lower(p) END;
CREATE MACRO rs_date_trunc(p, x) AS CASE WHEN rs_part(p) IN ('century', 'millennium') THEN date_trunc(rs_part(p), x - to_years(1)) + to_years(1) ELSE date_trunc(rs_part(p), x) END;
-- The instant of a wall clock's time, and the time of a wall clock at an instant: by a fixed offset or the rules of a named zone.
CREATE MACRO rs_instant(t, zone) AS CASE WHEN stepwell_zone_offset(zone) IS NULL THEN timezone(zone, t) ELSE timezone('UTC', t - to_seconds(stepwell_zone_offset(zone))) END;
CREATE MACRO rs_wall(t, zone) AS CASE WHEN stepwell_zone_offset(zone) IS NULL THEN timezone(zone, t) ELSE timezone('UTC', t) + to_seconds(stepwell_zone_offset(zone)) END;
CREATE MACRO rs_convert_timezone(zone, t) AS rs_wall(timezone('UTC', CAST(t AS TIMESTAMP)), zone),
  (source, zone, t) AS rs_wall(rs_instant(CAST(t AS TIMESTAMP), source), zone);
CREATE MACRO rs_timetz_utc(t) AS CAST(CAST(DATE '2000-01-01' + t AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIME)::TIMETZ;
CREATE MACRO rs_timezone(zone, t TIMESTAMP) AS rs_instant(t, zone), (zone, t TIMESTAMPTZ) AS rs_wall(t, zone), (zone, t) AS timezone(zone, t);
CREATE MACRO rs_date_part_year(d) AS CAST(year(d) AS INTEGER);
CREATE MACRO rs_dayofweek(d) AS dayofweek(CAST(d AS TIMESTAMP));
CREATE MACRO rs_last_day(d) AS last_day(d);
CREATE MACRO rs_months_apart(a, b) AS CASE
  WHEN day(a) = day(b) OR (last_day(a) = CAST(a AS DATE) AND last_day(b) = CAST(b AS DATE)) THEN CAST((year(a) - year(b)) * 12 + month(a) - month(b) AS DOUBLE)
  ELSE (year(a) - year(b)) * 12 + month(a) - month(b) + (epoch(CAST(a AS TIMESTAMP)) - epoch(date_trunc('month', CAST(a AS TIMESTAMP))) - epoch(CAST(b AS TIMESTAMP)) + epoch(date_trunc('month', CAST(b AS TIMESTAMP)))) / 86400.0 / 31.0 END;
CREATE MACRO rs_months_between(p, q) AS rs_months_apart(CAST(p AS TIMESTAMP), CAST(q AS TIMESTAMP));
-- An interval divided: of months 30 days are left, of days their hours; what is kept in months stays so.
CREATE MACRO rs_interval_months(i) AS date_part('year', i) * 12 + date_part('month', i);
CREATE MACRO rs_interval_micros(i) AS (date_part('hour', i) * 60 + date_part('minute', i)) * 60000000 + date_part('microsecond', i);
CREATE MACRO rs_interval_parts(months, days, micros) AS to_months(CAST(trunc(months) AS INTEGER)) + to_days(CAST(trunc(days + (months - trunc(months)) * 30) AS INTEGER))
  + to_microseconds(CAST(round(micros + (days + (months - trunc(months)) * 30 - trunc(days + (months - trunc(months)) * 30)) * 86400000000) AS BIGINT));
CREATE MACRO rs_interval_over(i, n) AS rs_interval_parts(rs_interval_months(i) / CAST(rs_nonzero(n) AS DOUBLE), date_part('day', i) / CAST(rs_nonzero(n) AS DOUBLE), rs_interval_micros(i) / CAST(rs_nonzero(n) AS DOUBLE));
CREATE MACRO rs_interval_text(i) AS replace(regexp_replace(CAST(i AS VARCHAR), '(-1 (?:year|month|day))( |$)', '\1s\2', 'g'), 'month', 'mon');
CREATE MACRO rs_months_over(i, n) AS to_months(CAST(trunc(rs_interval_months(i) / CAST(rs_nonzero(n) AS DOUBLE)) AS INTEGER));
-- The Sundays between two days: 1970-01-01 was a Thursday.
CREATE MACRO rs_week_number(d) AS (CAST(d AS DATE) - DATE '1969-12-28' + 7000000) // 7;
CREATE MACRO rs_weeks_apart(a, b) AS rs_week_number(b) - rs_week_number(a);
CREATE MACRO rs_next_day_of(d, name) AS d + CAST(1 + (list_position(['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'], lower(left(name, 2))) - 1 - dayofweek(d) + 13) % 7 AS INTEGER);
CREATE MACRO rs_next_day(d, name) AS CAST(rs_next_day_of(CAST(d AS DATE), name) AS DATE);
-- The wall clock's time and the zone TZ and OF print; without a zone UTC.
CREATE MACRO rs_to_char(x TIMESTAMPTZ, f) AS stepwell_time_char(CAST(x AS TIMESTAMP), f, strftime(x, '%Z %z')),
  (x TIMESTAMP, f) AS stepwell_time_char(x, f, 'UTC +00'),
  (x DATE, f) AS stepwell_time_char(CAST(x AS TIMESTAMP), f, 'UTC +00');
CREATE MACRO rs_to_char_number(x, f) AS stepwell_to_char(CAST(x AS VARCHAR), f);
-- f is strptime's pattern: DuckDB wants it constant, so the compiler translates it.
CREATE MACRO rs_parse_time(s, f) AS coalesce(try_strptime(s, f), CASE WHEN s IS NOT NULL THEN stepwell_parse_time(s, f) END);
-- Of two digits 70 to 99 are of the 20th century.
CREATE MACRO rs_short_year(t) AS CASE WHEN year(t) = 1969 THEN t + to_years(100) ELSE t END;
CREATE MACRO rs_parse_time_strict(s, f) AS coalesce(try_strptime(s, f),
  CASE WHEN s IS NOT NULL THEN CAST(error('22008:date/time field value out of range: "' || s || '"') AS TIMESTAMP) END);

-- The compiler casts the digits to the precision the format has.
CREATE MACRO rs_to_number(s, f) AS stepwell_to_number(CAST(s AS VARCHAR), f);

-- SUPER and JSON ----------------------------------------------------------------------

CREATE MACRO rs_super(x) AS to_json(x);
CREATE MACRO rs_super_text(x) AS CASE json_type(x) WHEN 'OBJECT' THEN CAST(x AS VARCHAR) WHEN 'ARRAY' THEN CAST(x AS VARCHAR) ELSE x ->> '$' END;
CREATE MACRO rs_super_field(x, name) AS json_extract(x, '$."' || name || '"');
CREATE MACRO rs_super_index(x, i) AS json_extract(x, '$[' || i || ']');
-- A SUPER value read as a type; NULL where it is of another.
CREATE MACRO rs_super_string(x) AS CASE WHEN json_type(x) = 'VARCHAR' THEN x ->> '$' END;
CREATE MACRO rs_super_bool(x) AS CASE WHEN json_type(x) = 'BOOLEAN' THEN CAST(x AS BOOLEAN) END;
CREATE MACRO rs_super_int(x) AS CASE WHEN json_type(x) IN ('BIGINT', 'UBIGINT') THEN TRY_CAST(x AS BIGINT) END;
CREATE MACRO rs_super_float(x) AS CASE WHEN json_type(x) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN TRY_CAST(x AS DOUBLE) END;
CREATE MACRO rs_super_number(x) AS CASE WHEN json_type(x) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN TRY_CAST(x ->> '$' AS DECIMAL(38,10)) END;
CREATE MACRO rs_super_is_null(x) AS x IS NULL OR json_type(x) = 'NULL';
-- What compares as the value does: for equality, and for order.
CREATE MACRO rs_super_key(x) AS CASE WHEN json_type(x) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN CAST(TRY_CAST(x AS DOUBLE) AS VARCHAR)
  WHEN json_type(x) <> 'NULL' THEN CAST(x AS VARCHAR) END;
CREATE MACRO rs_super_order(x) AS CASE WHEN x IS NOT NULL THEN {r: CASE json_type(x) WHEN 'VARCHAR' THEN 2 WHEN 'BOOLEAN' THEN 0 WHEN 'NULL' THEN 5 WHEN 'ARRAY' THEN 3 WHEN 'OBJECT' THEN 4 ELSE 1 END,
  n: rs_super_float(x), s: x ->> '$'} END;
CREATE MACRO rs_super_of(x) AS CASE WHEN x = trunc(x) AND abs(x) < 9e15 THEN to_json(CAST(x AS BIGINT)) ELSE to_json(x) END;
CREATE MACRO rs_super_plus(a, b) AS coalesce(to_json(rs_super_int(a) + rs_super_int(b)), to_json(rs_super_float(a) + rs_super_float(b)), to_json(rs_super_string(a) || rs_super_string(b)));
CREATE MACRO rs_super_minus(a, b) AS coalesce(to_json(rs_super_int(a) - rs_super_int(b)), to_json(rs_super_float(a) - rs_super_float(b)));
CREATE MACRO rs_super_times(a, b) AS coalesce(to_json(rs_super_int(a) * rs_super_int(b)), to_json(rs_super_float(a) * rs_super_float(b)));
CREATE MACRO rs_super_over(a, b) AS coalesce(to_json(rs_super_int(a) // rs_nonzero(rs_super_int(b))), to_json(rs_super_float(a) / rs_nonzero(rs_super_float(b))));
CREATE MACRO rs_super_rest(a, b) AS coalesce(to_json(rs_super_int(a) % rs_nonzero(rs_super_int(b))), to_json(rs_super_float(a) % rs_nonzero(rs_super_float(b))));
CREATE MACRO rs_super_sum(x) AS CASE WHEN count(rs_super_int(x)) = count(rs_super_float(x)) THEN to_json(CAST(sum(rs_super_int(x)) AS BIGINT)) ELSE to_json(sum(rs_super_float(x))) END;
CREATE MACRO rs_super_avg(x) AS to_json(avg(rs_super_float(x)));
-- Neither NULL nor JSON's null has elements; what is no array is its only one.
CREATE MACRO rs_super_elements(x) AS CASE coalesce(json_type(x), 'NULL') WHEN 'ARRAY' THEN CAST(x AS JSON[]) WHEN 'NULL' THEN CAST([] AS JSON[]) ELSE [x] END;
-- Nested columns of external tables: names of attributes in any case, arrays and maps to range over; NULL has no elements.
CREATE MACRO rs_nested_field(x, name) AS coalesce(json_extract(x, '$."' || name || '"'), json_extract(x, '$."' || list_filter(json_keys(x), lambda k: lower(k) = name)[1] || '"'));
CREATE MACRO rs_nested_elements(x) AS CASE json_type(x) WHEN 'ARRAY' THEN CAST(x AS JSON[])
  WHEN 'OBJECT' THEN list_transform(json_keys(x), lambda k: json_object('key', k, 'value', json_extract(x, '$."' || k || '"'))) ELSE CAST([] AS JSON[]) END;
CREATE MACRO rs_super_positions(x) AS CASE coalesce(json_type(x), 'NULL') WHEN 'ARRAY' THEN range(CAST(json_array_length(x) AS BIGINT)) WHEN 'NULL' THEN CAST([] AS BIGINT[]) ELSE CAST([NULL] AS BIGINT[]) END;
CREATE MACRO rs_super_values(x) AS list_transform(json_keys(x), lambda k: json_extract(x, '$."' || k || '"'));
CREATE MACRO rs_json_parse(s) AS json(CAST(s AS JSON));
CREATE MACRO rs_can_json_parse(s) AS json_valid(s);
CREATE MACRO rs_json_serialize(x) AS CAST(x AS VARCHAR);
CREATE MACRO rs_json_serialize_to_varbyte(x) AS encode(CAST(x AS VARCHAR));
CREATE MACRO rs_json_typeof(x) AS CASE json_type(x) WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' ELSE CASE WHEN x IS NOT NULL THEN 'number' END END;
CREATE MACRO rs_json_path_text(j, path, lenient) AS CASE
  WHEN j IS NULL THEN NULL
  WHEN json_valid(j) THEN coalesce(json_extract_string(j, path), '')
  WHEN lenient THEN NULL
  ELSE error('22023:JSON parsing error') END;
CREATE MACRO rs_json_array_length(j) AS CASE WHEN json_valid(j) AND json_type(j) = 'ARRAY' THEN json_array_length(j) WHEN j IS NULL THEN NULL ELSE CAST(error('22023:JSON parsing error') AS UBIGINT) END,
  (j, lenient) AS CASE WHEN json_valid(j) AND json_type(j) = 'ARRAY' THEN json_array_length(j) END;
CREATE MACRO rs_json_extract_array_element_text(j, i) AS CASE WHEN j IS NOT NULL AND i IS NOT NULL THEN coalesce(json_extract_string(j, '$[' || i || ']'), '') END,
  (j, i, lenient) AS CASE WHEN json_valid(j) AND i IS NOT NULL THEN coalesce(json_extract_string(j, '$[' || i || ']'), '') END;
-- DuckDB's JSON reader lets a trailing comma pass; Redshift's does not.
CREATE MACRO rs_json_clean(j) AS json_valid(j) AND NOT regexp_matches(regexp_replace(j, '"(?:[^"\\]|\\.)*"', '0', 'g'), ',\s*[\]}]');
CREATE MACRO rs_is_valid_json(j) AS rs_json_clean(j) AND json_type(CASE WHEN json_valid(j) THEN j END) = 'OBJECT';
CREATE MACRO rs_is_valid_json_array(j) AS rs_json_clean(j) AND json_type(CASE WHEN json_valid(j) THEN j END) = 'ARRAY';
CREATE MACRO rs_array_concat(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN to_json(list_concat(CAST(a AS JSON[]), CAST(b AS JSON[]))) END;
CREATE MACRO rs_array_flatten(a) AS stepwell_array_flatten(CAST(a AS VARCHAR))::JSON;
CREATE MACRO rs_decimal_precision(x) AS CASE WHEN json_type(x) IN ('DOUBLE', 'BIGINT', 'UBIGINT') THEN length(replace(ltrim(x ->> '$', '-0'), '.', '')) END;
CREATE MACRO rs_decimal_scale(x) AS CASE WHEN json_type(x) IN ('DOUBLE', 'BIGINT', 'UBIGINT') THEN length(split_part(x ->> '$', '.', 2)) END;
CREATE MACRO rs_json_size(x) AS strlen(CAST(x AS VARCHAR));
CREATE MACRO rs_get_array_length(a) AS CAST(json_array_length(a) AS BIGINT);
CREATE MACRO rs_split_to_array(s) AS to_json(string_split(s, ',')), (s, d) AS CASE WHEN d IS NOT NULL THEN to_json(string_split(s, d)) END;
CREATE MACRO rs_subarray(a, p) AS to_json(list_slice(CAST(a AS JSON[]), p + 1, 1000000)), (a, p, n) AS to_json(list_slice(CAST(a AS JSON[]), p + 1, p + n));
CREATE MACRO rs_array_items(a) AS CASE json_type(a) WHEN 'ARRAY' THEN CAST(a AS JSON[]) END;
CREATE MACRO rs_array_contains(a, x) AS list_contains(rs_array_items(a), to_json(x)),
  (a, x, nulls) AS CASE WHEN nulls OR x IS NOT NULL THEN coalesce(list_contains(rs_array_items(a), coalesce(to_json(x), 'null'::JSON)), false) END;
CREATE MACRO rs_array_distinct(a) AS to_json(list_filter(rs_array_items(a), lambda x, i: list_position(rs_array_items(a), x) = i));
CREATE MACRO rs_array_except(a, b) AS to_json(list_filter(rs_array_items(a), lambda x, i: NOT list_contains(rs_array_items(b), x) AND list_position(rs_array_items(a), x) = i));
CREATE MACRO rs_array_intersection(a, b) AS to_json(list_filter(rs_array_items(a), lambda x, i: list_contains(rs_array_items(b), x) AND list_position(rs_array_items(a), x) = i));
CREATE MACRO rs_array_union(a, b) AS rs_array_distinct(to_json(list_concat(rs_array_items(a), rs_array_items(b))));
CREATE MACRO rs_array_position(a, x) AS CASE WHEN a IS NOT NULL THEN CAST(coalesce(list_position(rs_array_items(a), coalesce(to_json(x), 'null'::JSON)) - 1, -1) AS INTEGER) END;
CREATE MACRO rs_array_positions(a, x) AS to_json(list_transform(list_filter(range(len(rs_array_items(a))), lambda i: rs_array_items(a)[i + 1] = coalesce(to_json(x), 'null'::JSON)), lambda i: i));
CREATE MACRO rs_array_sort_key(x) AS {k: rs_super_order(x), x: CAST(x AS VARCHAR)};
CREATE MACRO rs_array_sort(a) AS to_json(list_transform(list_sort(list_transform(rs_array_items(a), lambda x: rs_array_sort_key(x))), lambda k: CAST(k.x AS JSON))),
  (a, ascending) AS to_json(list_transform(list_sort(list_transform(rs_array_items(a), lambda x: rs_array_sort_key(x)), CASE WHEN ascending THEN 'ASC' ELSE 'DESC' END), lambda k: CAST(k.x AS JSON)));
CREATE MACRO rs_arrays_overlap(a, b) AS list_has_any(rs_array_items(a), rs_array_items(b));
CREATE MACRO rs_size(x) AS strlen(CAST(x AS VARCHAR));
CREATE MACRO rs_object_transform(x, paths, v) AS CASE WHEN json_type(to_json(x)) = 'OBJECT' THEN CAST(stepwell_object_transform(CAST(x AS VARCHAR), paths, CAST(v AS VARCHAR)) AS JSON) ELSE to_json(x) END;
CREATE MACRO rs_lower_attribute_names(x) AS CAST(stepwell_attribute_names(CAST(x AS VARCHAR), false) AS JSON);
CREATE MACRO rs_upper_attribute_names(x) AS CAST(stepwell_attribute_names(CAST(x AS VARCHAR), true) AS JSON);
CREATE MACRO rs_get_number_attributes(x) AS CASE json_type(x) WHEN 'OBJECT' THEN CAST(len(json_keys(x)) AS INTEGER) END;
CREATE MACRO rs_is_array(x) AS coalesce(json_type(x) = 'ARRAY', false);
CREATE MACRO rs_is_object(x) AS coalesce(json_type(x) = 'OBJECT', false);
CREATE MACRO rs_is_scalar(x) AS coalesce(json_type(x) NOT IN ('ARRAY', 'OBJECT', 'NULL'), false);
CREATE MACRO rs_is_boolean(x) AS coalesce(json_type(x) = 'BOOLEAN', false);
CREATE MACRO rs_is_varchar(x) AS coalesce(json_type(x) = 'VARCHAR', false);
CREATE MACRO rs_is_char(x) AS coalesce(json_type(x) = 'VARCHAR', false);
CREATE MACRO rs_is_bigint(x) AS coalesce(json_type(x) IN ('BIGINT', 'UBIGINT'), false);
CREATE MACRO rs_is_integer(x) AS coalesce(json_type(x) IN ('BIGINT', 'UBIGINT') AND TRY_CAST(x AS INTEGER) IS NOT NULL, false);
CREATE MACRO rs_is_smallint(x) AS coalesce(json_type(x) IN ('BIGINT', 'UBIGINT') AND TRY_CAST(x AS SMALLINT) IS NOT NULL, false);
CREATE MACRO rs_is_float(x) AS coalesce(json_type(x) = 'DOUBLE', false);
CREATE MACRO rs_is_decimal(x) AS coalesce(json_type(x) IN ('DOUBLE', 'BIGINT', 'UBIGINT'), false);

-- Fields of loaded files ---------------------------------------------------------------

-- Only an integer's own spelling: DuckDB would round 1.5 and take 1e3 and 0b1.
CREATE MACRO rs_odd_digits(x) AS contains(x, '.') OR contains(x, 'e') OR contains(x, 'E') OR contains(x, '_') OR contains(x, 'x') OR contains(x, 'X') OR contains(x, 'b') OR contains(x, 'B');
CREATE MACRO rs_load_digits(x) AS CASE WHEN rs_odd_digits(x) THEN error('22P02:Invalid digit, Value ''' || x || '''') ELSE x END;
CREATE MACRO rs_load_digits_or_null(x) AS CASE WHEN rs_odd_digits(x) THEN NULL ELSE x END;
-- COPY cuts the digits a DECIMAL has no place for.
CREATE MACRO rs_load_decimal(x, s) AS CASE
  WHEN contains(x, '.') AND strlen(x) > strpos(x, '.') + s AND NOT contains(x, 'e') AND NOT contains(x, 'E') THEN left(x, CAST(strpos(x, '.') + s AS BIGINT))
  ELSE x END;
CREATE MACRO rs_single_bytes(x) AS CASE WHEN strlen(x) <> length(x) THEN error('22021:Multibyte character not supported for CHAR') ELSE x END;
CREATE MACRO rs_load_char(x, n) AS rs_fit_char(rs_single_bytes(x), n);
CREATE MACRO rs_load_char_cut(x, n) AS rs_char(rs_single_bytes(x), n);
CREATE MACRO rs_load_hex(x) AS unhex(x);
CREATE MACRO rs_load_hex_or_null(x) AS CASE WHEN regexp_full_match(x, '([0-9a-fA-F]{2})*') THEN unhex(x) END;

-- Functions of the system catalog ----------------------------------------------------

-- Arrays of the catalog are lists or texts as PostgreSQL writes them, {a,b}; empty ones have no elements.
CREATE MACRO rs_array_elements(a) AS CASE WHEN trim(CAST(a AS VARCHAR), '{}[]') = '' THEN CAST([] AS VARCHAR[]) ELSE string_split(replace(trim(CAST(a AS VARCHAR), '{}[]'), ', ', ','), ',') END;
-- An array's elements count from 1, a vector's, which are written with blanks between them, from 0.
CREATE MACRO rs_array_element(a, i) AS CASE WHEN starts_with(a, '{') THEN list_extract(rs_array_elements(a), i) ELSE list_extract(string_split(a, ' '), i + 1) END;
CREATE MACRO rs_array_text(a) AS '{' || array_to_string(a, ',') || '}';
CREATE MACRO rs_pg_encoding_to_char(x) AS CASE WHEN x = 6 THEN 'UTF8' ELSE '' END;
CREATE MACRO rs_format_type(t, m) AS CASE t
  WHEN 0 THEN '-' WHEN 16 THEN 'boolean' WHEN 18 THEN '"char"' WHEN 19 THEN 'name' WHEN 20 THEN 'bigint' WHEN 21 THEN 'smallint' WHEN 23 THEN 'integer' WHEN 25 THEN 'text'
  WHEN 26 THEN 'oid' WHEN 700 THEN 'real' WHEN 701 THEN 'double precision' WHEN 1082 THEN 'date' WHEN 1083 THEN 'time without time zone'
  WHEN 1114 THEN 'timestamp without time zone' WHEN 1184 THEN 'timestamp with time zone' WHEN 1266 THEN 'time with time zone'
  WHEN 1188 THEN 'interval year to month' WHEN 1190 THEN 'interval day to second' WHEN 2935 THEN 'hllsketch' WHEN 3000 THEN 'geometry' WHEN 4000 THEN 'super' WHEN 1790 THEN 'refcursor'
  WHEN 6551 THEN 'binary varying'
  WHEN 1042 THEN 'character' || CASE WHEN m > 4 THEN '(' || (m - 4) || ')' ELSE '' END
  WHEN 1043 THEN 'character varying' || CASE WHEN m > 4 THEN '(' || (m - 4) || ')' ELSE '' END
  WHEN 1700 THEN 'numeric' || CASE WHEN m > 4 THEN '(' || ((m - 4) // 65536) || ',' || ((m - 4) % 65536) || ')' ELSE '' END
  ELSE 'unknown' END;
