/** The run of a dropped object. It follows from the version of the object alone: told of twice, it is the same run. */

import { objectRunId } from '../../streams/ingest/object-run-id.ts';
import type { NewRun } from '../runs/run.ts';
import type { DroppedObject } from './dropped-objects.ts';
import { isFolderMarker } from './source-objects.ts';

/** What is dropped below it is taken in; the next part of the key may name a dataset. */
export const DROP_PREFIX = 'incoming/';

export interface DropSettings {
  /** Name of the bucket that is dropped into. */
  readonly bucket: string;
  /** Names. */
  readonly datasets: ReadonlySet<string>;
  /** Dataset of what lies straight below `incoming/`. */
  readonly defaultDataset: string;
  /** Events a chunk of new runs, 1 to 10,000. */
  readonly chunkRecordsMax: number;
}

export type Drop =
  | { readonly kind: 'run'; readonly run: NewRun }
  /** The run is made, and ends at once with this error. */
  | { readonly kind: 'refused'; readonly run: NewRun; readonly error: string }
  /** Nothing is to be done, and why. */
  | { readonly kind: 'ignored'; readonly reason: string };

export function dropRun(object: DroppedObject, settings: DropSettings): Drop {
  const { bucket, key, versionId, etag } = object;
  if (bucket !== settings.bucket) return { kind: 'ignored', reason: 'object of another bucket' };
  if (!key.startsWith(DROP_PREFIX)) return { kind: 'ignored', reason: `object outside ${DROP_PREFIX}` };
  if (isFolderMarker(key, object.sizeBytes)) return { kind: 'ignored', reason: 'folder' };
  const folder = folderOf(key);
  const run = (dataset: string): NewRun => ({
    id: objectRunId(object),
    source: { kind: 's3', bucket, key, etag, ...(versionId !== undefined && { versionId }) },
    dataset,
    priority: 'normal',
    metadata: '{}',
    chunkRecordsMax: settings.chunkRecordsMax,
  });
  if (folder === undefined) return { kind: 'run', run: run(settings.defaultDataset) };
  if (settings.datasets.has(folder)) return { kind: 'run', run: run(folder) };
  const names = [...settings.datasets].map((name) => `${DROP_PREFIX}${name}/`).join(', ');
  const error = `no dataset has this folder: received ${DROP_PREFIX}${folder.slice(0, 100)}/, allowed: ${names}`;
  return { kind: 'refused', run: run(settings.defaultDataset), error };
}

/** Undefined for a file straight below `incoming/`. */
function folderOf(key: string): string | undefined {
  const end = key.indexOf('/', DROP_PREFIX.length);
  return end === -1 ? undefined : key.slice(DROP_PREFIX.length, end);
}
