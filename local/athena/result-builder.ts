/**
 * The rows of a result as Athena prints them, taken in a chunk at a time. They are held by this process, outside the
 * limit of DuckDB's memory: what would be too much fails the query before it is made.
 */
import type { DuckDBType } from '@duckdb/node-api';
import type { DuckDbChunk } from '../duckdb/open-duckdb.ts';
import { athenaValue } from './athena-value.ts';
import { QueryFailure } from './query-failure.ts';

const ROWS_MAX = 500_000;
const HELD_BYTES_MAX = 128 * 1024 * 1024;
/** What V8 takes for a value beside its text: a reference, a header, rounding. */
const VALUE_BYTES = 32;

export type ResultRow = readonly (string | null)[];

export class ResultBuilder {
  readonly rows: ResultRow[] = [];
  readonly #types: readonly DuckDBType[];
  #heldBytes = 0;

  constructor(types: readonly DuckDBType[]) {
    this.#types = types;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** @throws QueryFailure `EXCEEDED_RESULT_ROWS`, `EXCEEDED_RESULT_BYTES` */
  add(chunk: DuckDbChunk): void {
    if (this.rows.length + chunk.rowCount > ROWS_MAX)
      throw new QueryFailure('EXCEEDED_RESULT_ROWS', `the result has more than ${ROWS_MAX} rows; add a LIMIT.`);
    // A list is printed whole, and each of its members is a value of its own until then.
    if (this.#heldBytes + chunk.memberCount * VALUE_BYTES > HELD_BYTES_MAX) throw tooLarge();
    for (let index = 0; index < chunk.rowCount; index++) {
      const row = chunk.row(index).map((value, column) => {
        const type = this.#types[column];
        return value === null || type === undefined ? null : athenaValue(value, type);
      });
      this.#heldBytes += heldBytesOf(row);
      if (this.#heldBytes > HELD_BYTES_MAX) throw tooLarge();
      this.rows.push(row);
    }
  }
}

/** What a row takes of memory, about. */
export function heldBytesOf(row: ResultRow): number {
  return row.reduce((sum, value) => sum + VALUE_BYTES + (value === null ? 0 : Buffer.byteLength(value)), 0);
}

function tooLarge(): QueryFailure {
  const message = `the result takes more than ${HELD_BYTES_MAX / 1024 ** 2} MiB of memory; add a LIMIT, or select less.`;
  return new QueryFailure('EXCEEDED_RESULT_BYTES', message);
}
