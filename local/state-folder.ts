/**
 * The folder of a pipeline's state, one process at a time. The lock is SQLite's, so the system gives it back when the process ends,
 * however it ends: no stale lock is ever left behind.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Its presence tells a state folder from any other. */
const LOCK_FILE = 'lock.sqlite';

export interface StateLock {
  release(): void;
}

/** @throws Error with one clear line when the folder cannot be written, or another process has it */
export function lockState(folder: string): StateLock {
  let database: DatabaseSync;
  try {
    mkdirSync(folder, { recursive: true });
    database = new DatabaseSync(path.join(folder, LOCK_FILE));
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
  } catch (error) {
    throw new Error(explain(folder, error), { cause: error });
  }
  return { release: () => database.close() };
}

/**
 * Deletes all state in the folder, which may not exist.
 * @throws Error with one clear line when it holds something else than state, or a pipeline uses it
 */
export function emptyState(folder: string): void {
  if (!existsSync(folder)) return;
  const names = readdirSync(folder);
  if (names.length === 0) return;
  if (!names.includes(LOCK_FILE)) {
    throw new Error(
      `${folder} is not emptied: it is no state folder (it has no ${LOCK_FILE}). Name another with --state.`,
    );
  }
  const lock = lockState(folder);
  try {
    for (const name of names) if (!name.startsWith(LOCK_FILE)) rmSync(path.join(folder, name), { recursive: true });
  } finally {
    lock.release();
  }
}

/** SQLITE_BUSY: https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

function explain(folder: string, error: unknown): string {
  if (Error.isError(error) && 'errcode' in error && error.errcode === SQLITE_BUSY) {
    return `The state folder ${folder} is in use by another running pipeline. Stop that one, or take another folder with --state.`;
  }
  const reason = Error.isError(error) ? error.message : String(error);
  return `The state folder ${folder} cannot be written: ${reason}. Take another one with --state.`;
}
