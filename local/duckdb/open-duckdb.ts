/**
 * Opens an in-memory DuckDB with limits. Every statement has a connection of its own, so that statements run beside
 * one another; what one creates, others see, unless it is TEMP.
 */
import { type DuckDBConnection, DuckDBInstance, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import { quoteText } from './duckdb-type.ts';

export interface DuckDbOptions {
  /** Megabytes of memory, beyond which DuckDB writes to `spillFolder`. */
  readonly memoryMbMax: number;
  readonly threads: number;
  /** Folder for what does not fit in memory. DuckDB makes it on demand. */
  readonly spillFolder: string;
}

export interface DuckDb {
  run(sql: string): Promise<void>;
  /** A connection that keeps its settings and TEMP objects; the caller closes it. */
  session(): Promise<DuckDbSession>;
  close(): void;
}

export interface DuckDbSession {
  run(sql: string): Promise<void>;
  /** @param rowsMax reading stops with `more` once there are more rows than this */
  read(sql: string, rowsMax?: number): Promise<DuckDbRows>;
  /** Breaks off the statement that runs now. */
  interrupt(): void;
  close(): void;
}

export interface DuckDbRows {
  readonly names: readonly string[];
  readonly types: readonly DuckDBType[];
  readonly rows: readonly (readonly DuckDBValue[])[];
  /** True when rows were left unread. */
  readonly more: boolean;
}

export async function openDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryMbMax}MB`,
    threads: String(options.threads),
    temp_directory: options.spillFolder,
    // No extension is fetched: what is needed (parquet, json, icu) is built in.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'true',
  });
  return {
    async run(sql) {
      const connection = await instance.connect();
      try {
        await connection.run(sql);
      } finally {
        connection.closeSync();
      }
    },
    session: async () => sessionOf(await instance.connect()),
    close: () => instance.closeSync(),
  };
}

function sessionOf(connection: DuckDBConnection): DuckDbSession {
  return {
    async run(sql) {
      await connection.run(sql);
    },
    async read(sql, rowsMax = Number.POSITIVE_INFINITY) {
      const reader = Number.isFinite(rowsMax)
        ? await connection.streamAndReadUntil(sql, rowsMax + 1)
        : await connection.runAndReadAll(sql);
      const rows = reader.getRows();
      const more = rows.length > rowsMax;
      return {
        names: reader.columnNames(),
        types: reader.columnTypes(),
        rows: more ? rows.slice(0, rowsMax) : rows,
        more,
      };
    },
    interrupt: () => connection.interrupt(),
    close: () => connection.closeSync(),
  };
}

/** A list of string literals: `['a', 'b']`. */
export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(', ')}]`;
}
