/**
 * Changes under way: written down before the file system is touched, struck out once their event is published. After a crash
 * what is left says which content came into place without its row, and which event was not sent.
 */
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { StoredObject } from './object-index.ts';

const Change = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('created'),
    bucket: z.string(),
    object: StoredObject,
    /** Name of the file that its content comes from; gone once it is in place. */
    incoming: z.string(),
    reason: z.enum(['PutObject', 'CopyObject', 'CompleteMultipartUpload']),
    requestId: z.string().optional(),
  }),
  z.object({
    kind: z.literal('deleted'),
    bucket: z.string(),
    object: StoredObject,
    requestId: z.string().optional(),
  }),
]);
export type Change = Readonly<z.infer<typeof Change>>;

export interface JournalEntry {
  readonly id: number;
  readonly change: Change;
}

const row = z.object({ id: z.number(), change: z.string() });

export class ChangeJournal {
  readonly #database: DatabaseSync;
  readonly #begin;
  readonly #end;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec('CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY, change TEXT NOT NULL) STRICT');
    this.#begin = database.prepare('INSERT INTO changes (change) VALUES (?)');
    this.#end = database.prepare('DELETE FROM changes WHERE id = ?');
  }

  /** Returns the id to end it by. */
  begin(change: Change): number {
    return Number(this.#begin.run(JSON.stringify(change)).lastInsertRowid);
  }

  end(id: number): void {
    this.#end.run(id);
  }

  /** What a process that ended too early left, in order. */
  leftovers(): readonly JournalEntry[] {
    const rows = this.#database.prepare('SELECT id, change FROM changes ORDER BY id').all();
    return rows.map((entry) => {
      const { id, change } = row.parse(entry);
      return { id, change: Change.parse(JSON.parse(change)) };
    });
  }
}
