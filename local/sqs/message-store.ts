/**
 * Messages in SQLite. What a method has written is in the file when it returns, and survives the end of the process at
 * any moment (not a power failure: the log is not synced with every message). Times are those of the shared clock.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { type MessageAttributes, messageAttributes } from './message-attributes.ts';
import type { QueueDefinition } from './queue-definition.ts';

export interface NewMessage {
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly delayMs: number;
}

export interface TakenMessage {
  readonly id: number;
  readonly messageId: string;
  readonly body: string;
  readonly md5OfBody: string;
  readonly attributes: MessageAttributes;
  readonly sentMs: number;
  /** This receive included. */
  readonly receiveCount: number;
  readonly firstReceivedMs: number;
  /** Changes with each receive. */
  readonly receipt: string;
  /** Epoch milliseconds. */
  readonly hiddenUntilMs: number;
  /** ARN of the queue that it came from, for a message in a dead-letter queue. */
  readonly sourceArn: string | undefined;
}

export interface MessageCounts {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
    md5 TEXT NOT NULL, attributes TEXT NOT NULL, sent_ms INTEGER NOT NULL, visible_ms INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0, first_received_ms INTEGER, receipt TEXT, source_arn TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (queue, visible_ms, id);
  CREATE INDEX IF NOT EXISTS messages_by_receives ON messages (queue, received, visible_ms);
  CREATE INDEX IF NOT EXISTS messages_by_age ON messages (queue, sent_ms);
`;

const messageRow = z.object({
  id: z.number(),
  message_id: z.string(),
  body: z.string(),
  md5: z.string(),
  attributes: z.string(),
  sent_ms: z.number(),
  received: z.number(),
  first_received_ms: z.number().nullable(),
  source_arn: z.string().nullable(),
});
const countsRow = z.object({ visible: z.number(), in_flight: z.number(), delayed: z.number() });
const timeRow = z.object({ at_ms: z.number().nullable() });
const stateRow = z.object({ receipt: z.string().nullable(), visible_ms: z.number() });

export class MessageStore {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #statements;

  constructor(folder: string, clock: Clock) {
    mkdirSync(folder, { recursive: true });
    this.#clock = clock;
    this.#database = new DatabaseSync(path.join(folder, 'messages.sqlite'));
    this.#database.exec(SCHEMA);
    this.#statements = prepare(this.#database);
    this.#takeUpAgain();
  }

  /** Epoch milliseconds at which the queue was first made. */
  createQueue(name: string): number {
    const { addQueue, queueCreated } = this.#statements;
    addQueue.run(name, this.#clock.now());
    return timeRow.parse(queueCreated.get(name)).at_ms ?? 0;
  }

  /** Adds all of them or none. Gives their message ids. */
  add(queue: string, messages: readonly NewMessage[]): readonly string[] {
    return this.#transaction(() => {
      const now = this.#clock.now();
      return messages.map(({ body, attributes, delayMs }) => {
        const messageId = randomUUID();
        const md5 = createHash('md5').update(body).digest('hex');
        this.#statements.add.run(queue, messageId, body, md5, JSON.stringify(attributes), now, now + delayMs);
        return messageId;
      });
    });
  }

  /** Takes visible messages, those first that became visible first, and moves exhausted ones to the dead-letter queue. */
  take(
    queue: QueueDefinition,
    messagesMax: number,
    visibilityTimeoutMs: number,
    deadLetterQueue: string | undefined,
  ): { readonly taken: readonly TakenMessage[]; readonly movedCount: number } {
    const { expire, exhaust, visible, receive } = this.#statements;
    return this.#transaction(() => {
      const now = this.#clock.now();
      expire.run(queue.name, now - queue.retentionMs);
      const receivesMax = queue.redrive?.maxReceiveCount;
      const isRedriven = receivesMax !== undefined && deadLetterQueue !== undefined;
      const moved = isRedriven ? exhaust.run(deadLetterQueue, now, queue.arn, queue.name, receivesMax, now).changes : 0;
      const taken = visible.all(queue.name, now, messagesMax).map((given) => {
        const row = messageRow.parse(given);
        const receipt = randomUUID();
        const firstReceivedMs = row.first_received_ms ?? now;
        const hiddenUntilMs = now + visibilityTimeoutMs;
        receive.run(receipt, firstReceivedMs, hiddenUntilMs, row.id);
        return {
          id: row.id,
          messageId: row.message_id,
          body: row.body,
          md5OfBody: row.md5,
          attributes: messageAttributes.parse(JSON.parse(row.attributes)),
          sentMs: row.sent_ms,
          receiveCount: row.received + 1,
          firstReceivedMs,
          receipt,
          hiddenUntilMs,
          sourceArn: row.source_arn ?? undefined,
        };
      });
      return { taken, movedCount: Number(moved) };
    });
  }

  /** Removes a message by the receipt of its last receive; by an earlier one, does nothing. */
  remove(queue: string, id: number, receipt: string): void {
    this.#statements.remove.run(queue, id, receipt);
  }

  /** Hides a message in flight for so long from now. */
  hide(queue: string, id: number, receipt: string, durationMs: number): 'done' | 'visible' | 'gone' {
    const found = stateRow.safeParse(this.#statements.state.get(queue, id));
    const now = this.#clock.now();
    if (!found.success || found.data.receipt !== receipt) return 'gone';
    if (found.data.visible_ms <= now) return 'visible';
    this.#statements.hide.run(now + durationMs, id);
    return 'done';
  }

  counts(queue: QueueDefinition): MessageCounts {
    const now = this.#clock.now();
    this.#statements.expire.run(queue.name, now - queue.retentionMs);
    const row = countsRow.parse(this.#statements.counts.get(queue.name, now));
    return { visible: row.visible, inFlight: row.in_flight, delayed: row.delayed };
  }

  /** When the next hidden message becomes visible, epoch milliseconds; undefined when none is hidden. */
  nextVisibleMs(queue: string): number | undefined {
    return timeRow.parse(this.#statements.nextVisible.get(queue, this.#clock.now())).at_ms ?? undefined;
  }

  purge(queue: string): void {
    this.#statements.purge.run(queue);
  }

  close(): void {
    this.#database.close();
  }

  /**
   * Those who held messages in flight ended with the process that served them: their messages are visible again, and the
   * receive that was cut off does not count. Where the clock had been driven ahead, messages come from its future: they
   * are sent now, and their delays begin now.
   */
  #takeUpAgain(): void {
    const now = this.#clock.now();
    this.#transaction(() => {
      const { release, moveToNow } = this.#statements;
      release.run(now);
      moveToNow.run(now);
    });
  }

  #transaction<Result>(run: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = run();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function prepare(database: DatabaseSync) {
  const sql = (text: string) => database.prepare(text);
  return {
    addQueue: sql('INSERT INTO queues VALUES (?, ?) ON CONFLICT DO NOTHING'),
    queueCreated: sql('SELECT created_ms at_ms FROM queues WHERE name = ?'),
    add: sql(`INSERT INTO messages (queue, message_id, body, md5, attributes, sent_ms, visible_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?)`),
    expire: sql('DELETE FROM messages WHERE queue = ? AND sent_ms <= ?'),
    exhaust: sql(`UPDATE messages SET queue = ?, visible_ms = ?, source_arn = ?, receipt = NULL
      WHERE queue = ? AND received >= ? AND visible_ms <= ?`),
    visible: sql(`SELECT id, message_id, body, md5, attributes, sent_ms, received, first_received_ms, source_arn
      FROM messages WHERE queue = ? AND visible_ms <= ? ORDER BY visible_ms, id LIMIT ?`),
    receive: sql(
      'UPDATE messages SET receipt = ?, first_received_ms = ?, visible_ms = ?, received = received + 1 WHERE id = ?',
    ),
    remove: sql('DELETE FROM messages WHERE queue = ? AND id = ? AND receipt = ?'),
    state: sql('SELECT receipt, visible_ms FROM messages WHERE queue = ? AND id = ?'),
    hide: sql('UPDATE messages SET visible_ms = ? WHERE id = ?'),
    counts: sql(`SELECT count(*) FILTER (WHERE visible_ms <= ?2) visible,
        count(*) FILTER (WHERE visible_ms > ?2 AND receipt IS NOT NULL) in_flight,
        count(*) FILTER (WHERE visible_ms > ?2 AND receipt IS NULL) delayed
      FROM messages WHERE queue = ?1`),
    nextVisible: sql('SELECT min(visible_ms) at_ms FROM messages WHERE queue = ? AND visible_ms > ?'),
    purge: sql('DELETE FROM messages WHERE queue = ?'),
    release: sql(`UPDATE messages SET visible_ms = ?1, received = received - (receipt IS NOT NULL)
      WHERE received > 0 AND visible_ms > ?1`),
    moveToNow: sql('UPDATE messages SET visible_ms = visible_ms - (sent_ms - ?1), sent_ms = ?1 WHERE sent_ms > ?1'),
  };
}
