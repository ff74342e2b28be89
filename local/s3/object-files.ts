/** How the files of objects come into place and go. */
import { constants, copyFileSync, linkSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';

/** What the system answers when a key's path is taken by another's, or is too long for it. */
const PATH_TAKEN = new Set(['EEXIST', 'EILSEQ', 'EISDIR', 'ENAMETOOLONG', 'ENOTDIR', 'ENOTEMPTY', 'EPERM']);

/** Gives content a second path, on any file system: a link, or a copy where there is none. */
export function linkFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    try {
      copyFileSync(from, to, constants.COPYFILE_EXCL);
    } catch (error) {
      rmSync(to, { force: true });
      throw error;
    }
  }
}

/** False when another key's path is in the way; an error when the move must succeed. */
export function moveIntoPlace(from: string, to: string, mustSucceed: boolean): boolean {
  try {
    mkdirSync(path.dirname(to), { recursive: true });
    renameSync(from, to);
    return true;
  } catch (error) {
    if (mustSucceed || !PATH_TAKEN.has(errorCode(error))) throw error;
    return false;
  }
}

/** Removes a file, if it is there, and the folders up to `root` that are empty then. */
export function removeFromPlace(file: string, root: string): void {
  rmSync(file, { force: true });
  let parent = path.dirname(file);
  while (parent !== root && removeIfEmpty(parent)) parent = path.dirname(parent);
}

export function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

function errorCode(error: unknown): string {
  return Error.isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
