/**
 * Changes under way: written down before the file system is touched, marked once their row is written, and struck out once
 * their event is published. After a crash what is left says which content came into place without its row, and which event
 * was not sent.
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
  /** The change's place among all. Undefined until its row is written. */
  readonly sequencer?: string | undefined;
}
export type WrittenEntry = JournalEntry & { readonly sequencer: string };

const row = z.object({ id: z.number(), change: z.string() });
const Mark = z.object({ sequencer: z.string().optional() });

export class ChangeJournal {
  readonly #database: DatabaseSync;
  readonly #begin;
  readonly #mark;
  readonly #end;
  /** Entries that are done with and could not be struck out. */
  readonly #ended = new Set<number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec('CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY, change TEXT NOT NULL) STRICT');
    this.#begin = database.prepare('INSERT INTO changes (change) VALUES (?)');
    this.#mark = database.prepare(`UPDATE changes SET change = json_set(change, '$.sequencer', ?) WHERE id = ?`);
    this.#end = database.prepare('DELETE FROM changes WHERE id = ?');
  }

  /** Gives the id to end it by. @throws Error when the disk takes nothing: the change must not be made then */
  begin(change: Change): number {
    // An entry that outlived its change would undo this one at the next start.
    for (const id of this.#ended) {
      this.#end.run(id);
      this.#ended.delete(id);
    }
    return Number(this.#begin.run(JSON.stringify(change)).lastInsertRowid);
  }

  /** To be called in the transaction that writes the change's row. */
  mark(id: number, sequencer: string): void {
    this.#mark.run(sequencer, id);
  }

  /** Strikes a change out: at once, or before the next one begins if the disk takes nothing. */
  end(id: number): void {
    try {
      this.#end.run(id);
    } catch {
      this.#ended.add(id);
    }
  }

  /** What a process that ended too early left, in order. */
  leftovers(): readonly JournalEntry[] {
    const rows = this.#database.prepare('SELECT id, change FROM changes ORDER BY id').all();
    return rows.map((entry) => {
      const { id, change } = row.parse(entry);
      const stored: unknown = JSON.parse(change);
      return { id, change: Change.parse(stored), sequencer: Mark.parse(stored).sequencer };
    });
  }
}
