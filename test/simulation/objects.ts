/** The buckets in a run: objects that appear, are told of, and are read by ranges. */

import { kinesisEvent } from '../../local/lambda/kinesis-event.ts';
import { failureDocument } from '../../local/lambda/on-failure-destination.ts';
import { ObjectError, type ObjectsPort, type StoredObject } from '../../processors/landed/objects.ts';
import type { Conditions } from './conditions.ts';
import type { SimulatedProcess } from './function-host.ts';
import type { Discard } from './mapping.ts';
import type { Random } from './random.ts';
import { STREAM_ARN } from './stream.ts';

export const PROCESSED_BUCKET = 'data-pipeline-processed';
export const ARCHIVE_BUCKET = 'data-pipeline-archive';

export interface SimulatedObjects {
  put(bucket: string, key: string, content: Buffer): StoredObject;
  /** As it is stored. @throws Error when there is none */
  read(bucket: string, key: string): Buffer;
  portOf<Input>(process: SimulatedProcess<Input>): ObjectsPort;
}

const READ_MS_MAX = 60;

export function createObjects(conditions: Conditions, random: Random): SimulatedObjects {
  const contents = new Map<string, Buffer>();

  function read(bucket: string, key: string): Buffer {
    const content = contents.get(`${bucket}/${key}`);
    if (content === undefined) throw new Error(`${key} is not in ${bucket}`);
    return content;
  }

  return {
    read,
    put(bucket, key, content) {
      contents.set(`${bucket}/${key}`, content);
      return { bucket, key, sizeBytes: content.length, etag: `etag-${contents.size}` };
    },
    portOf: (process) => ({
      read: (object, from, to) =>
        process.call({
          name: `read ${object.key}`,
          latencyMs: random.int(2, READ_MS_MAX),
          refusal: conditions.befalls('objectFailed')
            ? new ObjectError(object, 'its store does not answer')
            : undefined,
          effect() {
            const content = contents.get(`${object.bucket}/${object.key}`);
            if (content === undefined) throw new ObjectError(object, 'it is not there');
            return content.subarray(from, to);
          },
        }),
    }),
  };
}

/**
 * A Parquet file of so many rows, as far as a reader of its footer can tell: FileMetaData in Thrift's compact protocol
 * (github.com/apache/parquet-format, parquet.thrift) with a schema of its root alone and no row group.
 */
export function parquetOf(rows: number): Buffer {
  const version = [0x15, 0x02];
  const root = [0x48, 0x04, ...Buffer.from('root'), 0x15, 0x00, 0x00];
  const schema = [0x19, 0x1c, ...root];
  const numRows = [0x16, ...varint(rows * 2)];
  const rowGroups = [0x19, 0x0c];
  const footer = Buffer.from([...version, ...schema, ...numRows, ...rowGroups, 0x00]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from('PAR1'), footer, length, Buffer.from('PAR1')]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** What Firehose could not convert, a document a line: firehose/latest/dev/retry.html */
export function errorsOf(rows: readonly { readonly row: Readonly<Record<string, unknown>> }[]): Buffer {
  const lines = rows.map(({ row }) => {
    const rawData = Buffer.from(JSON.stringify(row)).toString('base64');
    return `${JSON.stringify({ attemptsMade: 1, lastErrorCode: 'DataFormatConversion.ParseError', rawData })}\n`;
  });
  return Buffer.from(lines.join(''));
}

/** What Lambda writes of a batch that it gives up. @param name of the function that could not do it */
export function parkedDocumentOf({ encoded, ...discard }: Discard, name: string, nowMs: number): Buffer {
  const document = failureDocument({
    ...discard,
    records: encoded,
    requestId: 'last',
    functionArn: `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
    mappingId: 'mapping',
    streamArn: STREAM_ARN,
    nowMs,
  });
  return Buffer.from(JSON.stringify({ ...document, payload: JSON.stringify(kinesisEvent(encoded)) }));
}
