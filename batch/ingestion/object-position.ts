/** Where a run over objects goes on, as JSON: the version that is read, and the chunk that is next in it. */
import { isRecord } from '../../schemas/describe.ts';

export interface ObjectPosition {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly etag: string;
  /** Number of the chunk that is next. */
  readonly chunk: number;
  /** Records of this object up to that chunk. */
  readonly upTo: number;
  /** Records of the objects before this one. */
  readonly before: number;
  /** Objects so far, this one included. */
  readonly objects: number;
  /** Objects so far that could not be read whole, and what was wrong with the first of them. */
  readonly bad: number;
  readonly reason?: string | undefined;
}

export function writeObjectPosition(position: ObjectPosition): string {
  return JSON.stringify(position);
}

/** @returns undefined at the start of a run @throws Error for a text that `writeObjectPosition` did not write */
export function readObjectPosition(text: string): ObjectPosition | undefined {
  if (text === '') return undefined;
  const value: unknown = JSON.parse(text);
  if (isRecord(value)) {
    const { key, etag, versionId, reason, chunk, upTo, before, objects, bad } = value;
    if (
      typeof key === 'string' &&
      typeof etag === 'string' &&
      isOptionalText(versionId) &&
      isOptionalText(reason) &&
      isCount(chunk) &&
      isCount(upTo) &&
      isCount(before) &&
      isCount(objects) &&
      isCount(bad)
    ) {
      return { key, versionId, etag, chunk, upTo, before, objects, bad, reason };
    }
  }
  throw new Error(`position of a run: received ${text}, allowed: what the run was told before`);
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
