/**
 * Log events in SQLite. Events written are visible to the next read at once and on disk within `FLUSH_MS`. Each group is
 * bounded: beyond `GROUP_EVENTS_MAX` or `GROUP_BYTES_MAX` its oldest events go. Events that the disk does not take are
 * dropped with a warning: a log must not end what it tells of.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { eventRow, groupRow, oldestRow, SCHEMA, sizeRow, streamRow } from './log-tables.ts';

export interface LogEvent {
  readonly timestampMs: number;
  readonly message: string;
}

export interface StoredEvent extends LogEvent {
  /** Rises with each event written. */
  readonly id: number;
  readonly stream: string;
  readonly ingestedAtMs: number;
}

export interface LogGroup {
  readonly name: string;
  readonly createdAtMs: number;
  readonly retentionDays: number | undefined;
  readonly storedBytes: number;
}

export interface LogStream {
  readonly name: string;
  readonly createdAtMs: number;
  readonly firstEventMs: number | undefined;
  readonly lastEventMs: number | undefined;
  readonly lastIngestionMs: number | undefined;
}

/** A place between two events, in the order of time. */
export interface Cursor {
  readonly timestampMs: number;
  readonly id: number;
}

export interface EventQuery {
  readonly group: string;
  /** Undefined: all streams of the group. */
  readonly streams: readonly string[] | undefined;
  readonly streamPrefix?: string;
  /** Inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly after?: Cursor;
  readonly before?: Cursor;
  readonly newestFirst: boolean;
}

/** Events that a group keeps. */
export const GROUP_EVENTS_MAX = 100_000;
/** Bytes of messages that a group keeps. */
export const GROUP_BYTES_MAX = 64 * 1024 * 1024;
/** Share of the bound that is dropped at once, so that a full group is not trimmed with every event. */
const TRIM_SHARE = 0.1;
const FLUSH_MS = 200;
const DAY_MS = 86_400_000;
/** What CloudWatch Logs counts for an event beside its message. Source: API_PutLogEvents.html */
export const EVENT_OVERHEAD_BYTES = 26;

interface Waiting extends LogEvent {
  readonly group: string;
  readonly stream: string;
  readonly ingestedAtMs: number;
}

interface Size {
  readonly events: number;
  readonly bytes: number;
}

export class LogStore {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #warn: (line: string) => void;
  readonly #waiting: Waiting[] = [];
  #sizes = new Map<string, Size>();
  readonly #known = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** Events dropped since one was last written. */
  #dropped = 0;
  #isClosed = false;

  /** @param warn gets a line when events begin to be dropped, and one when that has ended */
  constructor(folder: string, clock: Clock, warn: (line: string) => void) {
    mkdirSync(folder, { recursive: true });
    this.#clock = clock;
    this.#warn = warn;
    this.#database = new DatabaseSync(path.join(folder, 'logs.sqlite'));
    this.#database.exec(SCHEMA);
    const sizes = this.#rows(sizeRow, 'SELECT group_name, count(*) events, sum(bytes) bytes FROM events GROUP BY 1');
    for (const row of sizes) this.#sizes.set(row.group_name, { events: row.events, bytes: row.bytes });
    for (const group of this.groups()) this.#expire(group);
  }

  /** False when the group was there already. */
  createGroup(name: string, retentionDays?: number): boolean {
    const { changes } = this.#database
      .prepare('INSERT INTO groups VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
      .run(name, this.#clock.now(), retentionDays ?? null);
    return Number(changes) > 0;
  }

  setRetention(group: string, days: number | undefined): void {
    this.#database.prepare('UPDATE groups SET retention_days = ? WHERE name = ?').run(days ?? null, group);
  }

  /** False when the stream was there already. */
  createStream(group: string, name: string): boolean {
    const { changes } = this.#database
      .prepare('INSERT INTO streams (group_name, name, created_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
      .run(group, name, this.#clock.now());
    return Number(changes) > 0;
  }

  groups(): readonly LogGroup[] {
    this.flush();
    return this.#rows(groupRow, 'SELECT * FROM groups ORDER BY name').map((row) => ({
      name: row.name,
      createdAtMs: row.created_ms,
      retentionDays: row.retention_days ?? undefined,
      storedBytes: this.#sizes.get(row.name)?.bytes ?? 0,
    }));
  }

  hasGroup(name: string): boolean {
    return this.groups().some((group) => group.name === name);
  }

  streams(group: string): readonly LogStream[] {
    this.flush();
    return this.#rows(streamRow, 'SELECT * FROM streams WHERE group_name = ? ORDER BY name', group).map((row) => ({
      name: row.name,
      createdAtMs: row.created_ms,
      firstEventMs: row.first_ms ?? undefined,
      lastEventMs: row.last_ms ?? undefined,
      lastIngestionMs: row.ingested_ms ?? undefined,
    }));
  }

  /** Makes the group and the stream if they are not there. After `close` it does nothing: a process may print its last. */
  write(group: string, stream: string, events: readonly LogEvent[]): void {
    if (this.#isClosed) return;
    const ingestedAtMs = this.#clock.now();
    for (const event of events) this.#waiting.push({ ...event, group, stream, ingestedAtMs });
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Events in the order of time, events of one time in the order of writing; or both reversed. */
  *events(query: EventQuery): Generator<StoredEvent> {
    this.flush();
    const direction = query.newestFirst ? 'DESC' : 'ASC';
    const conditions = ['group_name = ?', 'timestamp_ms >= ?', 'timestamp_ms < ?'];
    const values: SQLInputValue[] = [query.group, query.fromMs, query.toMs];
    if (query.after) {
      conditions.push('(timestamp_ms, id) > (?, ?)');
      values.push(query.after.timestampMs, query.after.id);
    }
    if (query.before) {
      conditions.push('(timestamp_ms, id) < (?, ?)');
      values.push(query.before.timestampMs, query.before.id);
    }
    if (query.streams) {
      conditions.push(`stream IN (${query.streams.map(() => '?').join(', ')})`);
      values.push(...query.streams);
    }
    if (query.streamPrefix !== undefined) {
      conditions.push('substr(stream, 1, ?) = ?');
      values.push([...query.streamPrefix].length, query.streamPrefix);
    }
    const sql = `SELECT id, stream, timestamp_ms, ingested_ms, message FROM events WHERE ${conditions.join(' AND ')}
      ORDER BY timestamp_ms ${direction}, id ${direction}`;
    for (const given of this.#database.prepare(sql).iterate(...values)) {
      const row = eventRow.parse(given);
      const { id, stream, message } = row;
      yield { id, stream, message, timestampMs: row.timestamp_ms, ingestedAtMs: row.ingested_ms };
    }
  }

  /** Writes what waits, all of it or nothing. Never throws. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting.splice(0);
    if (batch.length === 0) return;
    const sizes = new Map(this.#sizes);
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      this.#insert(batch);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#sizes = sizes;
      this.#known.clear();
      if (this.#dropped === 0) this.#warn(`CloudWatch Logs drops log lines: ${String(error)}`);
      this.#dropped += batch.length;
      return;
    }
    if (this.#dropped > 0) this.#warn(`CloudWatch Logs keeps log lines again; ${this.#dropped} were dropped.`);
    this.#dropped = 0;
  }

  close(): void {
    this.flush();
    this.#isClosed = true;
    this.#database.close();
  }

  #insert(batch: readonly Waiting[]): void {
    const grown = new Set<string>();
    const insert = this.#database.prepare(
      'INSERT INTO events (group_name, stream, timestamp_ms, ingested_ms, message, bytes) VALUES (?, ?, ?, ?, ?, ?)',
    );
    const touch = this.#database.prepare(
      `UPDATE streams SET first_ms = min(coalesce(first_ms, ?1), ?1), last_ms = max(coalesce(last_ms, ?1), ?1),
        ingested_ms = ?2 WHERE group_name = ?3 AND name = ?4`,
    );
    for (const { group, stream, timestampMs, ingestedAtMs, message } of batch) {
      this.#ensure(group, stream);
      const bytes = Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
      insert.run(group, stream, timestampMs, ingestedAtMs, message, bytes);
      touch.run(timestampMs, ingestedAtMs, group, stream);
      const size = this.#sizes.get(group) ?? { events: 0, bytes: 0 };
      this.#sizes.set(group, { events: size.events + 1, bytes: size.bytes + bytes });
      grown.add(group);
    }
    for (const group of grown) this.#trim(group);
  }

  #ensure(group: string, stream: string): void {
    const key = JSON.stringify([group, stream]);
    if (this.#known.has(key)) return;
    this.createGroup(group);
    this.createStream(group, stream);
    this.#known.add(key);
  }

  #trim(group: string): void {
    const size = this.#sizes.get(group);
    if (!size || (size.events <= GROUP_EVENTS_MAX && size.bytes <= GROUP_BYTES_MAX)) return;
    const oldest = this.#database.prepare('SELECT id, bytes FROM events WHERE group_name = ? ORDER BY id');
    const keep = 1 - TRIM_SHARE;
    let { events, bytes } = size;
    let last = 0;
    for (const given of oldest.iterate(group)) {
      const row = oldestRow.parse(given);
      events -= 1;
      bytes -= row.bytes;
      last = row.id;
      if (events <= GROUP_EVENTS_MAX * keep && bytes <= GROUP_BYTES_MAX * keep) break;
    }
    this.#sizes.set(group, { events, bytes });
    this.#database.prepare('DELETE FROM events WHERE group_name = ? AND id <= ?').run(group, last);
  }

  /** Drops what is older than the group's retention. Done when the store opens: runs of the local services are short. */
  #expire(group: LogGroup): void {
    if (group.retentionDays === undefined) return;
    const before = this.#clock.now() - group.retentionDays * DAY_MS;
    this.#database.prepare('DELETE FROM events WHERE group_name = ? AND timestamp_ms < ?').run(group.name, before);
    const [left] = this.#rows(
      sizeRow,
      'SELECT ?1 group_name, count(*) events, coalesce(sum(bytes), 0) bytes FROM events WHERE group_name = ?1',
      group.name,
    );
    if (left) this.#sizes.set(group.name, { events: left.events, bytes: left.bytes });
  }

  #rows<Row>(shape: z.ZodType<Row>, sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#database
      .prepare(sql)
      .all(...values)
      .map((row) => shape.parse(row));
  }
}
