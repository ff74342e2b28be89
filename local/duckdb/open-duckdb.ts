/**
 * Opens an in-memory DuckDB with limits. Every statement has a connection of its own, so that statements run beside
 * one another; what one creates, others see, unless it is TEMP.
 */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { countMembers } from './count-members.ts';
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
  /** The whole result, in memory: for results that are known to be small. */
  read(sql: string): Promise<DuckDbRows>;
  /** A result of any size, a piece at a time; leaving the loop over its chunks leaves the rest unread. */
  stream(sql: string): Promise<DuckDbStream>;
  /** Breaks off the statement that runs now. */
  interrupt(): void;
  close(): void;
}

export interface DuckDbColumns {
  readonly names: readonly string[];
  readonly types: readonly DuckDBType[];
}

export interface DuckDbRows extends DuckDbColumns {
  readonly rows: readonly (readonly DuckDBValue[])[];
}

export interface DuckDbStream extends DuckDbColumns {
  readonly chunks: AsyncIterable<DuckDbChunk>;
}

/** At most 2,048 rows. They lie in DuckDB's memory, under its limit, until `row` makes values of them. */
export interface DuckDbChunk {
  readonly rowCount: number;
  /** Members of all its lists and maps, nested ones included: one row can have millions. */
  readonly memberCount: number;
  row(index: number): readonly DuckDBValue[];
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
    async read(sql) {
      const reader = await connection.runAndReadAll(sql);
      return { names: reader.columnNames(), types: reader.columnTypes(), rows: reader.getRows() };
    },
    async stream(sql) {
      const result = await connection.stream(sql);
      return { names: result.columnNames(), types: result.columnTypes(), chunks: chunksOf(result) };
    },
    interrupt: () => connection.interrupt(),
    close: () => connection.closeSync(),
  };
}

async function* chunksOf(result: DuckDBResult): AsyncGenerator<DuckDbChunk> {
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    yield chunkOf(chunk);
  }
}

function chunkOf(chunk: DuckDBDataChunk): DuckDbChunk {
  return {
    rowCount: chunk.rowCount,
    memberCount: Array.from({ length: chunk.columnCount }, (_, column) =>
      countMembers(chunk.getColumnVector(column)),
    ).reduce((sum, count) => sum + count, 0),
    row: (index) => chunk.getRowValues(index),
  };
}

/** A list of string literals: `['a', 'b']`. */
export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(', ')}]`;
}
