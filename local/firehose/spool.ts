/**
 * What a delivery stream has accepted and not yet delivered, on disk: one file of rows for each object to come, with a
 * description beside it. The object's key is fixed when the spool is opened, so that delivering it again after a crash
 * replaces the same object.
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const SpoolDescription = z.object({
  id: z.string(),
  streamName: z.string(),
  /** Rows become Parquet; errors are delivered as they are. */
  content: z.enum(['rows', 'errors']),
  bucket: z.string(),
  key: z.string(),
  /** Arrival of the oldest record. */
  openedAtMs: z.number(),
  /** The columns that the rows were made for; the table may have changed since. */
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
});
export type Spool = Readonly<z.infer<typeof SpoolDescription>>;

const NEWLINE = 10;

export interface SpoolFolder {
  readonly fileOf: (id: string) => string;
  readonly create: (spool: Spool) => void;
  /**
   * Written when this returns, as far as a killed process goes; not forced through the machine's caches.
   * @param bytesBefore bytes of the file until now, to which it is cut back when the disk takes only a part
   */
  readonly append: (id: string, rows: Buffer, bytesBefore: number) => void;
  readonly remove: (id: string) => void;
  /** What a killed process left, oldest first; a line that was cut short is dropped, since it was never accepted. */
  readonly leftovers: () => Spool[];
}

export function openSpoolFolder(folder: string): SpoolFolder {
  mkdirSync(folder, { recursive: true });
  const fileOf = (id: string): string => path.join(folder, `${id}.ndjson`);
  const descriptionOf = (id: string): string => path.join(folder, `${id}.json`);
  return {
    fileOf,
    create(spool) {
      writeFileSync(descriptionOf(spool.id), JSON.stringify(spool));
      writeFileSync(fileOf(spool.id), '');
    },
    append(id, rows, bytesBefore) {
      try {
        appendFileSync(fileOf(id), rows);
      } catch (error) {
        truncateSync(fileOf(id), bytesBefore);
        throw error;
      }
    },
    remove(id) {
      rmSync(fileOf(id), { force: true });
      rmSync(descriptionOf(id), { force: true });
    },
    leftovers() {
      const spools: Spool[] = [];
      for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.json'))) {
        const spool = readDescription(path.join(folder, name));
        const accepted = dropCutLine(fileOf(path.basename(name, '.json')));
        if (spool && accepted) spools.push(spool);
        else if (!accepted) this.remove(path.basename(name, '.json'));
        else throw new Error(`${path.join(folder, name)} does not describe its rows; they stay where they are.`);
      }
      return spools.sort((a, b) => a.openedAtMs - b.openedAtMs);
    },
  };
}

function readDescription(file: string): Spool | undefined {
  try {
    return SpoolDescription.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** True when whole lines are left. */
function dropCutLine(file: string): boolean {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  const end = content.lastIndexOf(NEWLINE) + 1;
  if (end < content.length) truncateSync(file, end);
  return end > 0;
}
