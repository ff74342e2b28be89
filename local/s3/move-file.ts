import { copyFileSync, renameSync, rmSync } from 'node:fs';

/** Moves a file, also to another file system, where that is a copy. */
export function moveFile(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(Error.isError(error) && 'code' in error && error.code === 'EXDEV')) throw error;
    copyFileSync(from, to);
    rmSync(from);
  }
}
