import { statSync } from 'node:fs';
import { UsageError } from './verb.ts';

/**
 * @param verb that was given the file, for the message
 * @throws UsageError when there is no such file, or it is a folder
 */
export function checkFile(verb: string, file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new UsageError(`${verb}: received ${file}, and there is no such file`);
  if (found.isDirectory()) throw new UsageError(`${verb}: received ${file}, which is a folder; allowed: a file`);
}
