/**
 * What a message of the queue of runs tells of dropped objects: an event of EventBridge, or a classic notification of S3.
 * Sources: AmazonS3/latest/userguide/ev-events.html, AmazonS3/latest/userguide/notification-content-structure.html
 */
import { isRecord } from '../../schemas/describe.ts';

export interface DroppedObject {
  readonly bucket: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly versionId: string | undefined;
  /** Without quotes. */
  readonly etag: string;
}

/** @returns undefined for a message that is none of S3; none for a test event, and for what was not created */
export function readDroppedObjects(message: unknown): readonly DroppedObject[] | undefined {
  if (!isRecord(message)) return undefined;
  if (message.source === 'aws.s3') {
    if (message['detail-type'] !== 'Object Created') return [];
    const { bucket, object } = isRecord(message.detail) ? message.detail : {};
    const { key, size, etag, 'version-id': versionId } = isRecord(object) ? object : {};
    const dropped = droppedObject(nameOf(bucket), key, size, etag, versionId);
    return dropped && [dropped];
  }
  if (message.Event === 's3:TestEvent') return [];
  if (!Array.isArray(message.Records)) return undefined;
  const dropped = message.Records.flatMap((record: unknown) => {
    const { s3, eventName } = isRecord(record) ? record : {};
    if (typeof eventName === 'string' && !eventName.startsWith('ObjectCreated:')) return [];
    const { bucket, object } = isRecord(s3) ? s3 : {};
    const { key, size, eTag, versionId } = isRecord(object) ? object : {};
    return [droppedObject(nameOf(bucket), formDecoded(key), size, eTag, versionId)];
  });
  const known = dropped.filter((each) => each !== undefined);
  return known.length === dropped.length ? known : undefined;
}

function nameOf(bucket: unknown): unknown {
  return isRecord(bucket) ? bucket.name : undefined;
}

/** Keys are form-urlencoded in notifications, and plain in events. */
function formDecoded(key: unknown): unknown {
  if (typeof key !== 'string') return undefined;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function droppedObject(
  bucket: unknown,
  key: unknown,
  sizeBytes: unknown,
  etag: unknown,
  versionId: unknown,
): DroppedObject | undefined {
  if (typeof bucket !== 'string' || typeof key !== 'string' || key === '') return undefined;
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || typeof etag !== 'string') return undefined;
  // Objects from before a bucket kept versions are told of with none, or with `null`.
  const isVersion = typeof versionId === 'string' && versionId !== '' && versionId !== 'null';
  return { bucket, key, sizeBytes, etag, versionId: isVersion ? versionId : undefined };
}
