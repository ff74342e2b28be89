/**
 * What S3 tells EventBridge of objects.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
import { randomUUID } from 'node:crypto';
import type { EventBus } from '../ports.ts';
import type { StoredObject } from './object-index.ts';

export type CreationReason = 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload';

export interface ObjectEvents {
  /** @throws Error (rejects) when the event has not been taken: it is to be told again */
  readonly created: (change: Change, object: StoredObject, reason: CreationReason) => Promise<void>;
  /** As `created`. */
  readonly deleted: (change: Change, key: string) => Promise<void>;
}

export interface Change {
  readonly bucket: string;
  /** Undefined when another service did it. */
  readonly requestId: string | undefined;
  readonly sequencer: string;
}

export function createObjectEvents(account: string, events: EventBus): ObjectEvents {
  const publish = (change: Change, detailType: string, object: object, rest: object): Promise<void> =>
    events.publish({
      source: 'aws.s3',
      detailType,
      resources: [`arn:aws:s3:::${change.bucket}`],
      detail: {
        version: '0',
        bucket: { name: change.bucket },
        object,
        'request-id': change.requestId ?? randomUUID(),
        requester: account,
        'source-ip-address': '127.0.0.1',
        ...rest,
      },
    });
  return {
    created: (change, { key, size, etag }, reason) =>
      publish(change, 'Object Created', { key, size, etag, sequencer: change.sequencer }, { reason }),
    deleted: (change, key) =>
      publish(
        change,
        'Object Deleted',
        { key, sequencer: change.sequencer },
        { reason: 'DeleteObject', 'deletion-type': 'Permanently Deleted' },
      ),
  };
}
