/** The tables of the log store, and the shapes in which their rows come back. */
import { z } from 'zod';

export const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, retention_days INTEGER) STRICT;
  CREATE TABLE IF NOT EXISTS streams (
    group_name TEXT NOT NULL, name TEXT NOT NULL, created_ms INTEGER NOT NULL,
    first_ms INTEGER, last_ms INTEGER, ingested_ms INTEGER, PRIMARY KEY (group_name, name)) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, stream TEXT NOT NULL, timestamp_ms INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL, message TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS events_by_time ON events (group_name, timestamp_ms, id);
`;

export const eventRow = z.object({
  id: z.number(),
  stream: z.string(),
  timestamp_ms: z.number(),
  ingested_ms: z.number(),
  message: z.string(),
});
export const groupRow = z.object({ name: z.string(), created_ms: z.number(), retention_days: z.number().nullable() });
export const streamRow = z.object({
  name: z.string(),
  created_ms: z.number(),
  first_ms: z.number().nullable(),
  last_ms: z.number().nullable(),
  ingested_ms: z.number().nullable(),
});
export const sizeRow = z.object({ group_name: z.string(), events: z.number(), bytes: z.number() });
export const oldestRow = z.object({ id: z.number(), bytes: z.number() });
