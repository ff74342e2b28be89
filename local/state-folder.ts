/**
 * The folder of a pipeline's state, one process at a time. The lock is SQLite's, so the system gives it back when the process ends,
 * however it ends: no stale lock is ever left behind.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Its presence tells a state folder from any other. */
const LOCK_FILE = 'lock.sqlite';

export interface StateLock {
  release(): void;
}

/**
 * @throws Error with one clear line when the folder cannot be written, holds something else than state, or is another
 * process's
 */
export function lockState(folder: string): StateLock {
  let database: DatabaseSync;
  try {
    makeFolder(path.resolve(folder));
  } catch (error) {
    throw new Error(explain(folder, error), { cause: error });
  }
  // The lock would mark the folder as one that may be emptied.
  checkHoldsState(folder);
  try {
    database = new DatabaseSync(path.join(folder, LOCK_FILE));
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
  } catch (error) {
    throw new Error(explain(folder, error), { cause: error });
  }
  return { release: () => database.close() };
}

/**
 * True when the folder is not there, or holds no state.
 * @throws Error with one clear line when it holds something else
 */
export function isEmptyState(folder: string): boolean {
  if (!existsSync(folder)) return true;
  checkHoldsState(folder);
  return statesIn(folder).length === 0;
}

/**
 * Deletes all state in the folder, which may not exist.
 * @throws Error with one clear line when it holds something else than state, or a pipeline uses it
 */
export function emptyState(folder: string): void {
  if (isEmptyState(folder)) return;
  const lock = lockState(folder);
  try {
    for (const name of statesIn(folder)) rmSync(path.join(folder, name), { recursive: true });
  } finally {
    lock.release();
  }
}

/** One by one: below a file system that takes no folders, such as /proc, a recursive `mkdirSync` never returns. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  mkdirSync(folder);
}

/** What is in the folder beside the lock and the files that SQLite puts next to it. */
function statesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.startsWith(LOCK_FILE));
}

function checkHoldsState(folder: string): void {
  if (!statSync(folder).isDirectory()) {
    throw new Error(`${folder} is a file, and state is kept in a folder. Name a folder with --state.`);
  }
  const isOther = !existsSync(path.join(folder, LOCK_FILE)) && readdirSync(folder).length > 0;
  if (!isOther) return;
  throw new Error(`${folder} holds something else than the state of a pipeline. Name another folder with --state.`);
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
