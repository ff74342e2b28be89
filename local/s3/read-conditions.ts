/** Whether a conditional request is to be answered. Pure. */
import type { StoredObject } from './object-index.ts';

export interface ReadConditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
}

/**
 * An ETag decides before a date does; a date that is none does not count.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html
 * @returns undefined when all hold, else the condition that does not
 */
export function failedCondition(
  conditions: ReadConditions,
  object: Pick<StoredObject, 'etag' | 'modifiedAtMs'>,
): 'If-Match' | 'If-Unmodified-Since' | 'If-None-Match' | 'If-Modified-Since' | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  // HTTP dates have no fraction of a second.
  const modified = Math.floor(object.modifiedAtMs / 1000) * 1000;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag)) return 'If-Match';
  } else if (modified > Date.parse(ifUnmodifiedSince ?? '')) {
    return 'If-Unmodified-Since';
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, object.etag)) return 'If-None-Match';
  } else if (modified <= Date.parse(ifModifiedSince ?? '')) {
    return 'If-Modified-Since';
  }
  return undefined;
}

function matches(list: string, etag: string): boolean {
  return list.split(',').some((entry) => {
    const wanted = entry.trim().replace(/^W\//, '').replaceAll('"', '');
    return wanted === '*' || wanted === etag;
  });
}
