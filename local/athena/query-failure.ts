/** A query that fails, with the reason as Athena puts it into StateChangeReason: `<code>: <message>`. */

export type QueryFailureCode =
  | 'SYNTAX_ERROR'
  | 'TABLE_NOT_FOUND'
  | 'SCHEMA_NOT_FOUND'
  | 'FUNCTION_NOT_FOUND'
  | 'NOT_SUPPORTED'
  | 'INVALID_VIEW'
  | 'INVALID_CAST_ARGUMENT'
  | 'HIVE_BAD_DATA'
  | 'HIVE_CANNOT_OPEN_SPLIT'
  | 'EXCEEDED_LOCAL_MEMORY_LIMIT'
  | 'EXCEEDED_TIME_LIMIT'
  | 'EXCEEDED_RESULT_BYTES'
  | 'EXCEEDED_RESULT_ROWS'
  | 'GENERIC_USER_ERROR';

export class QueryFailure extends Error {
  readonly code: QueryFailureCode;
  constructor(code: QueryFailureCode, message: string) {
    super(`${code}: ${message}`);
    this.name = 'QueryFailure';
    this.code = code;
  }
}

const CODES: readonly (readonly [duckDb: RegExp, code: QueryFailureCode])[] = [
  [/^(Binder|Catalog|Parser) Error/, 'SYNTAX_ERROR'],
  [/^Conversion Error/, 'INVALID_CAST_ARGUMENT'],
  [/^Out of Memory Error/, 'EXCEEDED_LOCAL_MEMORY_LIMIT'],
  [/^(Invalid Input|IO) Error.*parquet/i, 'HIVE_BAD_DATA'],
];

/** A failure in DuckDB, without the paths of this machine. */
export function failureOf(error: unknown, stagingFolder: string): QueryFailure {
  if (error instanceof QueryFailure) return error;
  const text = Error.isError(error) ? error.message : String(error);
  const message = (text.split('\n\nLINE')[0] ?? text).replaceAll(stagingFolder, '').trim();
  const code = CODES.find(([pattern]) => pattern.test(message))?.[1] ?? 'GENERIC_USER_ERROR';
  return new QueryFailure(code, message);
}
