/**
 * Tables, items and index entries in SQLite. What a transaction wrote is in the file when `transaction` returns, all of it or
 * nothing, and survives the end of the process at any moment (not a power failure: the log is not synced each time).
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { attribute, type Item } from './attribute-value.ts';
import { resourceNotFound } from './dynamodb-error.ts';
import { type ItemKey, indexEntries } from './item-key.ts';
import { TableRecord } from './table-record.ts';

/** Part of a table or index, in the order of its keys. */
export interface RangeRead {
  readonly table: string;
  readonly index: string | undefined;
  /** Conditions on `hash` and `range`, such as `hash = ?`. */
  readonly where: readonly string[];
  readonly values: readonly Buffer[];
  /** Begins after this place. */
  readonly after: { readonly at: ItemKey; readonly item: ItemKey } | undefined;
  readonly descending: boolean;
}

export interface StoredToken {
  readonly fingerprint: string;
  readonly atMs: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS tables (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, hash BLOB NOT NULL, range BLOB NOT NULL, item TEXT NOT NULL,
    expires_s INTEGER, UNIQUE (table_name, hash, range)) STRICT;
  CREATE INDEX IF NOT EXISTS items_by_expiry ON items (table_name, expires_s) WHERE expires_s IS NOT NULL;
  CREATE TABLE IF NOT EXISTS index_entries (
    table_name TEXT NOT NULL, index_name TEXT NOT NULL, hash BLOB NOT NULL, range BLOB NOT NULL,
    item_hash BLOB NOT NULL, item_range BLOB NOT NULL,
    PRIMARY KEY (table_name, index_name, hash, range, item_hash, item_range)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS index_entries_by_item ON index_entries (table_name, item_hash, item_range);
  CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
`;

const itemRow = z.object({ item: z.string() });
const numberedRow = z.object({
  id: z.number(),
  item: z.string(),
  hash: z.instanceof(Uint8Array),
  range: z.instanceof(Uint8Array),
});
const tableRow = z.object({ record: z.string() });
const sizeRow = z.object({ items: z.number(), bytes: z.number() });
const tokenRow = z.object({ fingerprint: z.string(), at_ms: z.number() });

/** Items read at once while a table is indexed anew. */
const REINDEX_ITEMS = 500;

export class ItemStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #tables = new Map<string, TableRecord>();

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#database = new DatabaseSync(path.join(folder, 'items.sqlite'));
    this.#database.exec(SCHEMA);
    for (const row of this.#sql('SELECT record FROM tables').all()) {
      const record = TableRecord.parse(JSON.parse(tableRow.parse(row).record));
      this.#tables.set(record.TableName, record);
    }
  }

  /** Runs synchronous work that is written as a whole or, when it throws, not at all. */
  transaction<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  tables(): readonly TableRecord[] {
    return [...this.#tables.values()];
  }

  find(name: string): TableRecord | undefined {
    return this.#tables.get(name);
  }

  /** @throws AwsError `ResourceNotFoundException` */
  table(name: string): TableRecord {
    const record = this.#tables.get(name);
    if (!record) throw resourceNotFound();
    return record;
  }

  /** Makes a table, or changes it: its indexes and times to live are then worked out anew from its items. */
  putTable(record: TableRecord): void {
    this.transaction(() => {
      const sql = 'INSERT INTO tables VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record';
      this.#sql(sql).run(record.TableName, JSON.stringify(record));
      this.#reindex(record);
    });
    this.#tables.set(record.TableName, record);
  }

  dropTable(name: string): void {
    this.transaction(() => {
      this.#sql('DELETE FROM tables WHERE name = ?').run(name);
      this.#sql('DELETE FROM items WHERE table_name = ?').run(name);
      this.#sql('DELETE FROM index_entries WHERE table_name = ?').run(name);
    });
    this.#tables.delete(name);
  }

  size(table: string): { readonly items: number; readonly bytes: number } {
    const sql = 'SELECT count(*) AS items, coalesce(sum(length(item)), 0) AS bytes FROM items WHERE table_name = ?';
    return sizeRow.parse(this.#sql(sql).get(table));
  }

  get(table: string, { hash, range }: ItemKey): Item | undefined {
    const row = this.#sql('SELECT item FROM items WHERE table_name = ? AND hash = ? AND range = ?').get(
      table,
      hash,
      range,
    );
    return row && parseItem(itemRow.parse(row).item);
  }

  put(table: TableRecord, key: ItemKey, item: Item): void {
    const sql = `INSERT INTO items (table_name, hash, range, item, expires_s) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (table_name, hash, range) DO UPDATE SET item = excluded.item, expires_s = excluded.expires_s`;
    const { hash, range } = key;
    this.#sql(sql).run(table.TableName, hash, range, JSON.stringify(item), expiryOf(item, table));
    this.#unindex(table.TableName, key);
    this.#index(table, key, item);
  }

  delete(table: string, key: ItemKey): void {
    this.#sql('DELETE FROM items WHERE table_name = ? AND hash = ? AND range = ?').run(table, key.hash, key.range);
    this.#unindex(table, key);
  }

  /** Nothing may be written while the items are read. */
  *read({ table, index, where, values, after, descending }: RangeRead): Generator<Item> {
    const columns = index === undefined ? ['hash', 'range'] : ['hash', 'range', 'item_hash', 'item_range'];
    const start = after && [after.at.hash, after.at.range, after.item.hash, after.item.range].slice(0, columns.length);
    const conditions = where.map((condition) => `e.${condition}`);
    if (start) {
      const names = columns.map((column) => `e.${column}`).join(', ');
      conditions.push(`(${names}) ${descending ? '<' : '>'} (${columns.map(() => '?').join(', ')})`);
    }
    const order = columns.map((column) => `e.${column} ${descending ? 'DESC' : 'ASC'}`).join(', ');
    const source =
      index === undefined
        ? 'SELECT e.item FROM items e WHERE e.table_name = ?'
        : `SELECT i.item FROM index_entries e CROSS JOIN items i
           ON i.table_name = e.table_name AND i.hash = e.item_hash AND i.range = e.item_range
           WHERE e.table_name = ? AND e.index_name = ?`;
    const sql = [source, ...conditions].join(' AND ');
    const bound: SQLInputValue[] = [table, ...(index === undefined ? [] : [index]), ...values, ...(start ?? [])];
    for (const row of this.#sql(`${sql} ORDER BY ${order}`).iterate(...bound)) yield parseItem(itemRow.parse(row).item);
  }

  /** Deletes items whose time ended between the two, in epoch seconds. Gives their number. */
  deleteExpired(table: string, fromS: number, toS: number): number {
    return this.transaction(() => {
      const sql = 'SELECT id, item, hash, range FROM items WHERE table_name = ? AND expires_s > ? AND expires_s < ?';
      const expired = this.#sql(sql).all(table, fromS, toS);
      for (const row of expired) this.delete(table, keyOf(numberedRow.parse(row)));
      return expired.length;
    });
  }

  token(token: string): StoredToken | undefined {
    const row = this.#sql('SELECT fingerprint, at_ms FROM tokens WHERE token = ?').get(token);
    if (!row) return undefined;
    const { fingerprint, at_ms: atMs } = tokenRow.parse(row);
    return { fingerprint, atMs };
  }

  putToken(token: string, { fingerprint, atMs }: StoredToken): void {
    this.#sql('INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)').run(token, fingerprint, atMs);
  }

  deleteTokens(beforeMs: number): void {
    this.#sql('DELETE FROM tokens WHERE at_ms < ?').run(beforeMs);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #reindex(table: TableRecord): void {
    this.#sql('DELETE FROM index_entries WHERE table_name = ?').run(table.TableName);
    const next = this.#sql(
      'SELECT id, item, hash, range FROM items WHERE table_name = ? AND id > ? ORDER BY id LIMIT ?',
    );
    const expire = this.#sql('UPDATE items SET expires_s = ? WHERE id = ?');
    for (let last = -1; ; ) {
      const rows = next.all(table.TableName, last, REINDEX_ITEMS).map((row) => numberedRow.parse(row));
      for (const row of rows) {
        const item = parseItem(row.item);
        expire.run(expiryOf(item, table), row.id);
        this.#index(table, keyOf(row), item);
        last = row.id;
      }
      if (rows.length < REINDEX_ITEMS) return;
    }
  }

  #index(table: TableRecord, key: ItemKey, item: Item): void {
    const insert = this.#sql('INSERT INTO index_entries VALUES (?, ?, ?, ?, ?, ?)');
    for (const { index, hash, range } of indexEntries(item, table))
      insert.run(table.TableName, index, hash, range, key.hash, key.range);
  }

  #unindex(table: string, { hash, range }: ItemKey): void {
    this.#sql('DELETE FROM index_entries WHERE table_name = ? AND item_hash = ? AND item_range = ?').run(
      table,
      hash,
      range,
    );
  }

  #sql(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

function parseItem(text: string): Item {
  const item: Item = JSON.parse(text);
  return item;
}

function keyOf({ hash, range }: { readonly hash: Uint8Array; readonly range: Uint8Array }): ItemKey {
  return { hash: Buffer.from(hash), range: Buffer.from(range) };
}

/** Epoch seconds; null for an item without a number in the attribute. */
function expiryOf(item: Item, { timeToLiveAttribute }: TableRecord): number | null {
  const text = timeToLiveAttribute === undefined ? undefined : attribute(item, timeToLiveAttribute)?.N;
  const seconds = Math.floor(Number(text));
  return Number.isSafeInteger(seconds) ? seconds : null;
}
