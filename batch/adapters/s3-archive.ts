/** The tape and the documents of what came back, in S3. */
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { readParkedRecords } from '../../processors/landed/parked-records.ts';
import { isRecord } from '../../schemas/describe.ts';
import { parseTapeKey, TAPE_PREFIX } from '../../streams/tape/tape-key.ts';
import { type DocumentsPort, ReadError, type TapeListing, type TapePort } from '../reconcile/ports.ts';
import { readMisdelivered } from '../redrive/misdelivered-documents.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const READ_TIMEOUT_MS = 60_000;

/** @param bucket name of the archive bucket */
export function createS3TapeReader(client: S3Client, bucket: string): TapePort {
  async function listPrefix(prefix: string, listings: TapeListing[], isWanted: (listing: TapeListing) => boolean) {
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
      for (const { Key: key = '' } of page.Contents ?? []) {
        const span = parseTapeKey(key);
        const listing = span && { ...span, key };
        if (listing && isWanted(listing)) listings.push(listing);
      }
    }
  }

  return {
    async list(streamName, hours) {
      const listings: TapeListing[] = [];
      try {
        for (const prefix of hours === undefined ? [TAPE_PREFIX] : dayPrefixes(hours)) {
          await listPrefix(
            prefix,
            listings,
            (listing) =>
              listing.streamName === streamName &&
              (hours === undefined || (listing.hour >= hours.from && listing.hour <= hours.to)),
          );
        }
      } catch (error) {
        throw new ReadError(`the objects below s3://${bucket}/${TAPE_PREFIX}`, error);
      }
      return listings;
    },
    read: (key) => readObject(client, bucket, key),
  };
}

/** @param archiveBucket of on-failure documents @param processedBucket of what Firehose could not deliver */
export function createS3Documents(client: S3Client, archiveBucket: string, processedBucket: string): DocumentsPort {
  return {
    async parkedRecords(key) {
      const text = Buffer.from(await readObject(client, archiveBucket, key)).toString();
      try {
        return readParkedRecords(text);
      } catch (error) {
        throw new ReadError(`s3://${archiveBucket}/${key}`, error);
      }
    },
    async misdeliveredIds(key) {
      const text = Buffer.from(await readObject(client, processedBucket, key)).toString();
      try {
        return new Map(readMisdelivered(text).flatMap(identitiesOf));
      } catch (error) {
        throw new ReadError(`s3://${processedBucket}/${key}`, error);
      }
    },
  };
}

/** @throws ReadError */
export async function readObject(client: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  try {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key });
    const { Body } = await client.send(command, { abortSignal: AbortSignal.timeout(READ_TIMEOUT_MS) });
    const bytes = await Body?.transformToByteArray();
    if (bytes === undefined) throw new Error('received no body');
    return bytes;
  } catch (error) {
    throw new ReadError(`s3://${bucket}/${key}`, error);
  }
}

/** Days that are listed one by one; more are listed with all others, a thousand objects a call. */
const DAYS_MAX = 62;

function dayPrefixes({ from, to }: { readonly from: string; readonly to: string }): string[] {
  const prefixes: string[] = [];
  const endMs = Date.parse(`${to.slice(0, 10)}T00:00:00Z`);
  for (let atMs = Date.parse(`${from.slice(0, 10)}T00:00:00Z`); atMs <= endMs; atMs += DAY_MS) {
    prefixes.push(`${TAPE_PREFIX}dt=${new Date(atMs).toISOString().slice(0, 10)}/`);
    if (prefixes.length > DAYS_MAX) return [TAPE_PREFIX];
  }
  return prefixes;
}

/** A Firehose record may hold several documents, a line each. */
function identitiesOf(rawData: Buffer): [recordId: string, eventTime: string][] {
  return rawData
    .toString()
    .split('\n')
    .flatMap((line) => {
      let document: unknown;
      try {
        document = JSON.parse(line);
      } catch {
        return [];
      }
      const { _record_id: id, _event_time: time } = isRecord(document) ? document : {};
      return typeof id === 'string' ? [[id, typeof time === 'string' ? time : '']] : [];
    });
}
