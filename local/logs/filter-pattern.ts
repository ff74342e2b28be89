/**
 * Filter patterns over unstructured events: which messages match. Terms are case-sensitive.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
import { AwsError } from '../service.ts';

/** Characters of a pattern. Source: AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html */
const PATTERN_LENGTH_MAX = 1_024;

/**
 * `ERROR` and `"out of memory"` must occur, `-DEBUG` must not, and of several `?WARN ?ERROR` one must.
 * @throws AwsError `InvalidParameterException` for JSON, space-delimited and regular expression patterns, and for `?`
 * beside other terms (AWS advises against it and does not say what comes of it)
 */
export function filterPattern(pattern: string): (message: string) => boolean {
  const text = pattern.trim();
  if (text.length > PATTERN_LENGTH_MAX) throw invalid(`at most ${PATTERN_LENGTH_MAX} characters are allowed`);
  if (text.startsWith('{')) throw invalid('JSON patterns ({ $.field = value }) are not supported locally');
  if (text.startsWith('[')) throw invalid('space-delimited patterns ([a, b]) are not supported locally');

  const required: string[] = [];
  const excluded: string[] = [];
  const optional: string[] = [];
  const lists: Readonly<Record<string, string[]>> = { '': required, '-': excluded, '?': optional };
  for (const [whole, sign = '', quoted, plain = ''] of text.matchAll(/([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)) {
    const term = quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1');
    if (/^%.*%$/.test(term)) throw invalid(`regular expressions (${whole}) are not supported locally`);
    if (plain.includes('"')) throw invalid(`a quotation mark within ${whole} needs quotation marks around the term`);
    lists[sign]?.push(term);
  }
  if (optional.length > 0 && required.length + excluded.length > 0) {
    throw invalid(`?terms stand alone or with other ?terms, received: ${text}`);
  }
  return (message) =>
    required.every((term) => message.includes(term)) &&
    !excluded.some((term) => message.includes(term)) &&
    (optional.length === 0 || optional.some((term) => message.includes(term)));
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidParameterException', `Invalid filter pattern: ${reason}.`);
}
