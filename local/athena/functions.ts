/**
 * The functions of Athena engine version 3 (Trino) that queries may call here: those that DuckDB has under the same name
 * with the same meaning, and those that a macro gives it. Any other is refused by name.
 * Source: https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html
 */

/** Same name, same meaning. The last line is what DuckDB's parser makes of syntax: intervals, arrays, EXTRACT, and so on. */
const SAME = `
  count count_star sum avg min max min_by max_by any_value bool_and bool_or count_if array_agg
  stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
  rank dense_rank row_number ntile lag lead first_value last_value nth_value percent_rank cume_dist
  abs ceil ceiling floor round sqrt cbrt exp ln log2 log10 pow power mod sign pi sin cos tan asin acos atan atan2
  degrees radians random rand is_nan
  lower upper trim ltrim rtrim length substr substring replace reverse strpos starts_with split split_part lpad rpad
  chr codepoint concat_ws translate
  date_trunc year quarter month week day hour minute second now
  map map_keys map_values contains array_sort flatten unnest
  json_extract json_array_length nullif coalesce uuid from_base64 to_base64
  date_part list_value row struct_pack timezone to_days to_hours to_minutes to_seconds to_months to_years to_weeks trunc
  position ~~~ like_escape not_like_escape ilike_escape not_ilike_escape regexp_full_match
`;

/** MySQL's date format letters, in DuckDB's: the order matters, since %M and %i swap places. */
const FORMAT_LETTERS: readonly (readonly [mysql: string, duckDb: string])[] = [
  ['%M', '%B'],
  ['%i', '%M'],
  ['%s', '%S'],
  ['%T', '%H:%M:%S'],
  ['%e', '%-d'],
  ['%k', '%-H'],
  ['%l', '%-I'],
  ['%h', '%I'],
  ['%c', '%-m'],
  ['%W', '%A'],
];

const format = FORMAT_LETTERS.reduce((text, [from, to]) => `replace(${text}, '${from}', '${to}')`, 'f');

const dateAdd = [
  ['millisecond', 'to_milliseconds(n)'],
  ['second', 'to_seconds(n)'],
  ['minute', 'to_minutes(n)'],
  ['hour', 'to_hours(n)'],
  ['day', 'to_days(CAST(n AS INTEGER))'],
  ['week', 'to_days(CAST(n * 7 AS INTEGER))'],
  ['month', 'to_months(CAST(n AS INTEGER))'],
  ['quarter', 'to_months(CAST(n * 3 AS INTEGER))'],
  ['year', 'to_years(CAST(n AS INTEGER))'],
]
  .map(([unit, interval]) => `WHEN '${unit}' THEN ${interval}`)
  .join(' ');
const addUnit = `CASE lower(unit) ${dateAdd} ELSE error('date_add: ' || unit || ' is not a unit') END`;

/** Macros by the name that Athena has for them; a name can have several signatures. */
const MACROS: Readonly<Record<string, string>> = {
  approx_distinct: '(x) AS count(DISTINCT x), (x, e) AS count(DISTINCT x)',
  approx_percentile: '(x, p) AS quantile_disc(x, p)',
  arbitrary: '(x) AS any_value(x)',
  every: '(x) AS bool_and(x)',
  array_join:
    '(a, s) AS array_to_string(a, s), (a, s, n) AS array_to_string(list_transform(a, lambda v: coalesce(CAST(v AS VARCHAR), n)), s)',
  array_max: '(a) AS list_max(a)',
  array_min: '(a) AS list_min(a)',
  array_distinct: '(a) AS list_filter(a, lambda v, i: list_position(a, v) = i)',
  // DuckDB's own takes maps only, and its len lists only.
  cardinality:
    "(x) AS CASE json_type(to_json(x)) WHEN 'OBJECT' THEN len(json_keys(to_json(x))) ELSE json_array_length(to_json(x)) END",
  concat:
    '(a, b) AS a || b, (a, b, c) AS a || b || c, (a, b, c, d) AS a || b || c || d, (a, b, c, d, e) AS a || b || c || d || e',
  date: '(x) AS CAST(x AS DATE)',
  date_add: `(unit, n, x) AS x + ${addUnit}`,
  // Complete units, where DuckDB's own counts the boundaries between.
  date_diff: '(unit, a, b) AS date_sub(unit, a, b)',
  date_format: `(x, f) AS strftime(x, ${format})`,
  // DuckDB checks a bare strptime as the macro is made, and finds that its format is not constant yet.
  date_parse: `(x, f) AS CASE WHEN f IS NOT NULL THEN strptime(x, ${format}) END`,
  day_of_month: '(x) AS day(x)',
  day_of_week: '(x) AS isodow(x)',
  day_of_year: '(x) AS dayofyear(x)',
  dow: '(x) AS isodow(x)',
  doy: '(x) AS dayofyear(x)',
  element_at: '(x, k) AS x[k]',
  from_base:
    "(s, radix) AS CASE radix WHEN 10 THEN CAST(s AS BIGINT) WHEN 16 THEN CAST('0x' || s AS BIGINT) WHEN 2 THEN CAST('0b' || s AS BIGINT) ELSE error('from_base: radix 2, 10 and 16 are supported locally') END",
  from_hex: '(x) AS unhex(x)',
  from_iso8601_date: '(x) AS CAST(x AS DATE)',
  from_iso8601_timestamp: '(x) AS CAST(x AS TIMESTAMPTZ)',
  from_unixtime: '(x) AS to_timestamp(x)',
  from_utf8: '(x) AS decode(x)',
  greatest:
    '(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE system.main.greatest(a, b) END, (a, b, c) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL THEN NULL ELSE system.main.greatest(a, b, c) END',
  json_extract_scalar:
    "(j, p) AS CASE WHEN json_type(j, p) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(j, p) END",
  json_format: '(j) AS CAST(j AS VARCHAR)',
  json_parse: '(s) AS CAST(s AS JSON)',
  json_size:
    "(j, p) AS CASE json_type(j, p) WHEN 'ARRAY' THEN json_array_length(j, p) WHEN 'OBJECT' THEN len(json_keys(j, p)) ELSE 0 END",
  last_day_of_month: '(x) AS last_day(x)',
  least:
    '(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE system.main.least(a, b) END, (a, b, c) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL THEN NULL ELSE system.main.least(a, b, c) END',
  md5: '(x) AS unhex(system.main.md5(x))',
  regexp_extract:
    '(s, p) AS CASE WHEN regexp_matches(s, p) THEN system.main.regexp_extract(s, p) END, (s, p, g) AS CASE WHEN regexp_matches(s, p) THEN system.main.regexp_extract(s, p, g) END',
  regexp_like: '(s, p) AS regexp_matches(s, p)',
  regexp_replace:
    "(s, p) AS system.main.regexp_replace(s, p, '', 'g'), (s, p, r) AS system.main.regexp_replace(s, p, replace(r, '$', '\\'), 'g')",
  sequence: '(a, b) AS generate_series(a, b), (a, b, c) AS generate_series(a, b, c)',
  sha256: '(x) AS unhex(system.main.sha256(x))',
  to_hex: '(x) AS hex(x)',
  to_iso8601: "(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%g')",
  to_unixtime: '(x) AS epoch(x)',
  to_utf8: '(x) AS encode(x)',
  truncate: '(x) AS trunc(x)',
  year_of_week: '(x) AS isoyear(x)',
};

/** In lower case. */
export const SUPPORTED_FUNCTIONS: ReadonlySet<string> = new Set([...SAME.trim().split(/\s+/), ...Object.keys(MACROS)]);

/** Statements that give DuckDB the macros, for the connection that runs them. */
export const CREATE_MACROS: string = Object.entries(MACROS)
  .map(([name, signatures]) => `CREATE TEMP MACRO ${name}${signatures};`)
  .join('\n');
