/** The local Kinesis behind the real front, with the real client: what the tests of its operations start. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  KinesisClient,
  PutRecordsCommand,
  type PutRecordsCommandOutput,
  type PutRecordsRequestEntry,
} from '@aws-sdk/client-kinesis';
import { type Clock, createClock } from '../../../local/clock.ts';
import { createFront } from '../../../local/front/front.ts';
import { createKinesisService, type KinesisOptions, type KinesisService } from '../../../local/kinesis/service.ts';

export const ACCOUNT = '000000000000';

export interface RunningKinesis {
  readonly service: KinesisService;
  readonly client: KinesisClient;
  readonly clock: Clock;
  readonly endpoint: string;
  readonly folder: string;
  /** Makes `stream` as a template would. Without properties it has one shard. */
  makeStream(properties?: Readonly<Record<string, unknown>>, name?: string): Promise<void>;
  put(records: PutRecordsRequestEntry[]): Promise<PutRecordsCommandOutput>;
  /** Iterator of the first shard of `stream`, from the trim horizon unless told otherwise. */
  iterator(input?: Partial<GetShardIteratorCommandInput>): Promise<string>;
  get(iterator: string | undefined, limit?: number): Promise<GetRecordsCommandOutput>;
  stop(): Promise<void>;
}

export function temporaryFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'kinesis-'));
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

export async function startKinesis(folder: string, options: KinesisOptions = {}): Promise<RunningKinesis> {
  const clock = createClock();
  const environment = { account: ACCOUNT, region: 'us-east-1', endpoint: '', folder: () => folder, clock };
  const service = createKinesisService(environment, options);
  await service.start?.();
  const front = createFront({ services: [service], port: 0 });
  const endpoint = await front.listen();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new KinesisClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  return {
    service,
    client,
    clock,
    endpoint,
    folder,
    async makeStream(properties = { ShardCount: 1 }, name = 'stream') {
      const [kind] = service.resourceKinds;
      const context = { logicalId: 'Stream', stackName: 'stack', account: ACCOUNT, region: 'us-east-1' };
      const all = { Name: name, ...properties };
      await kind?.create?.(all, kind.identify(all, context), context);
    },
    put: (Records) => client.send(new PutRecordsCommand({ StreamName: 'stream', Records })),
    async iterator(input = {}) {
      const command = new GetShardIteratorCommand({
        StreamName: 'stream',
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'TRIM_HORIZON',
        ...input,
      });
      return (await client.send(command)).ShardIterator ?? '';
    },
    get: (ShardIterator, Limit) => client.send(new GetRecordsCommand({ ShardIterator, Limit })),
    async stop() {
      client.destroy();
      await front.close();
      await service.stop?.();
      clock.stop();
    },
  };
}

/** An entry whose data is its key, unless given. */
export function entry(PartitionKey: string, data: string | Buffer = PartitionKey): PutRecordsRequestEntry {
  return { PartitionKey, Data: Buffer.from(data) };
}

export function texts(output: GetRecordsCommandOutput): string[] {
  return (output.Records ?? []).map((record) => Buffer.from(record.Data ?? []).toString());
}
