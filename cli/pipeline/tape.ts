/** `tape`: the objects of the tape, or the records in them. */
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { playTape } from '../../streams/tape/play-tape.ts';
import {
  compareTapeSpans,
  parseTapeKey,
  TAPE_PREFIX,
  type TapeSpan,
  tapeHourPrefix,
} from '../../streams/tape/tape-key.ts';
import { CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { bucketPrefix, findBucket } from './find-bucket.ts';
import { readHours } from './read-hour.ts';
import { UsageError, type Verb } from './verb.ts';

interface TapeListing extends TapeSpan {
  readonly key: string;
  readonly bytes: number;
}

const HOUR_MS = 3_600_000;
const BYTES_COLUMN = 2;

export const tape: Verb = {
  name: 'tape',
  summary: 'list the objects of the tape, or print the records in them',
  help: `npm run pipeline -- tape [list|records] [options]

The stream as it came, kept in the archive bucket. list (the default) prints an object a line: its hour, shard and bytes, and the
sequence number of its first record; --json adds that of its last one, and its key. records prints a line of JSON a record, each
position once, in the order of its shard. What is not there is told on standard error. Reads S3 itself.

  --from HOUR          first hour of arrival, such as 2026-11-25T07, UTC (default: the first)
  --to HOUR            last hour of arrival (default: that of --from, else the last)
  --shard ID           one shard, such as shardId-000000000000
  --bucket NAME        the archive bucket (default: the one whose name begins with ${bucketPrefix('archive')})
${CONNECTION_HELP}`,
  async run(args, output) {
    const { values, positionals } = parseVerb('tape', args, {
      from: { type: 'string' },
      to: { type: 'string' },
      shard: { type: 'string' },
      bucket: { type: 'string' },
    });
    const [what = 'list', ...others] = positionals;
    if (!['list', 'records'].includes(what) || others.length > 0) {
      throw new UsageError(`tape: received ${positionals.join(' ')}, allowed: list, records`);
    }
    const prefixes = prefixesOf(values.from, values.to);
    const settings = clientSettings(values);
    const client = new S3Client({ ...settings, forcePathStyle: settings.endpoint !== undefined });
    try {
      const bucket = values.bucket ?? (await findBucket(client, 'archive'));
      output.progress(`listing the tape of ${bucket}`);
      const listings = (await listTape(client, bucket, prefixes)).filter(
        ({ shardId }) => values.shard === undefined || shardId === values.shard,
      );
      output.progress('');
      if (listings.length === 0) output.note(`the tape of ${bucket} has nothing${renderScope(values)}`);
      else if (what === 'list')
        for (const line of values.json ? listings.map((each) => JSON.stringify(each)) : renderListings(listings))
          output.print(line);
      else await printRecords(client, bucket, listings, output.print);
      return 0;
    } finally {
      client.destroy();
    }
  },
};

/** A line each, the columns below each other. JSON has the rest of what is known. */
function renderListings(listings: readonly TapeListing[]): string[] {
  const rows = [
    ['HOUR', 'SHARD', 'BYTES', 'FIRST'],
    ...listings.map(({ hour, shardId, bytes, first }) => [hour, shardId, String(bytes), first]),
  ];
  const widths = [0, 1, 2].map((column) => rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === BYTES_COLUMN ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  '),
  );
}

interface TapeScope {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly shard?: string | undefined;
}

function renderScope({ from, to = from, shard }: TapeScope): string {
  const hours = from === undefined ? '' : from === to ? ` of the hour ${from}` : ` of the hours ${from} to ${to}`;
  return `${hours}${shard === undefined ? '' : ` of ${shard}`}`;
}

function prefixesOf(from: string | undefined, to = from): readonly string[] {
  const { fromMs, toMs } = readHours(from, to);
  if (fromMs === undefined && toMs !== undefined) throw new UsageError('--to: allowed with --from');
  if (fromMs === undefined || toMs === undefined) return [TAPE_PREFIX];
  const prefixes: string[] = [];
  for (let atMs = fromMs; atMs <= toMs; atMs += HOUR_MS) {
    prefixes.push(tapeHourPrefix(new Date(atMs).toISOString().slice(0, 13)));
  }
  return prefixes;
}

async function listTape(client: S3Client, bucket: string, prefixes: readonly string[]): Promise<TapeListing[]> {
  const listings: TapeListing[] = [];
  for (const prefix of prefixes) {
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
      for (const { Key: key = '', Size: bytes = 0 } of page.Contents ?? []) {
        const span = parseTapeKey(key);
        if (span) listings.push({ ...span, key, bytes });
      }
    }
  }
  return listings;
}

async function printRecords(
  client: S3Client,
  bucket: string,
  listings: readonly TapeListing[],
  print: (line: string) => void,
): Promise<void> {
  const byShard = Map.groupBy(
    listings,
    ({ streamName, createdAtMs, shardId }) => `${streamName}/${createdAtMs}/${shardId}`,
  );
  for (const ofShard of byShard.values()) {
    const objects = ofShard.toSorted(compareTapeSpans).map(({ key }) => ({
      key,
      async read(): Promise<Uint8Array> {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        const bytes = await Body?.transformToByteArray();
        if (bytes === undefined) throw new Error(`s3://${bucket}/${key}: received no body`);
        return bytes;
      },
    }));
    for await (const { data, ...record } of playTape(objects)) {
      print(JSON.stringify({ ...record, data: data.toString('base64') }));
    }
  }
}
