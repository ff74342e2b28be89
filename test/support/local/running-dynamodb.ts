/** The local DynamoDB behind the real front, with a client of the real SDK. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { type Clock, createClock } from '../../../local/clock.ts';
import { createDynamoDbService, type DynamoDbService } from '../../../local/dynamodb/service.ts';
import { createFront, type Front } from '../../../local/front/front.ts';
import type { Environment, Properties, ResourceContext } from '../../../local/service.ts';

export const CONTEXT: ResourceContext = {
  logicalId: 'Table',
  stackName: 'Stack',
  account: '000000000000',
  region: 'us-east-1',
};

/** The table `books` of `pk` and `sk`, with the index `by-status` of `status` and `at`, and time to live in `ends`. */
export const TABLE: Properties = {
  TableName: 'books',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'status', AttributeType: 'S' },
    { AttributeName: 'at', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'by-status',
      KeySchema: [
        { AttributeName: 'status', KeyType: 'HASH' },
        { AttributeName: 'at', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
  TimeToLiveSpecification: { AttributeName: 'ends', Enabled: true },
};

export class RunningDynamoDb {
  readonly folder: string;
  #parts: Parts;

  static async start(): Promise<RunningDynamoDb> {
    const folder = mkdtempSync(path.join(tmpdir(), 'dynamodb-'));
    return new RunningDynamoDb(folder, await open(folder));
  }

  private constructor(folder: string, parts: Parts) {
    this.folder = folder;
    this.#parts = parts;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  get service(): DynamoDbService {
    return this.#parts.service;
  }

  get client(): DynamoDBClient {
    return this.#parts.client;
  }

  get endpoint(): string {
    return this.#parts.endpoint;
  }

  /** Makes a table as a template would. */
  declare(properties: Properties = TABLE, type = 'AWS::DynamoDB::Table'): void {
    const kind = this.service.resourceKinds.find((candidate) => candidate.type === type);
    if (!kind?.create) throw new Error(`no kind ${type}`);
    void kind.create(properties, kind.identify(properties, CONTEXT), CONTEXT);
  }

  /** Opens the same folder again, with another clock, port and client. */
  async restart(): Promise<void> {
    await this.#close();
    this.#parts = await open(this.folder);
  }

  async stop(): Promise<void> {
    await this.#close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #close(): Promise<void> {
    const { client, front, service, clock } = this.#parts;
    client.destroy();
    await front.close();
    await service.stop?.();
    clock.stop();
  }
}

interface Parts {
  readonly clock: Clock;
  readonly service: DynamoDbService;
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  readonly front: Front;
}

async function open(folder: string): Promise<Parts> {
  const clock = createClock();
  const environment: Environment = { ...CONTEXT, endpoint: '', folder: () => folder, clock };
  const service = createDynamoDbService(environment);
  await service.start?.();
  const front = createFront({ services: [service], port: 0 });
  const endpoint = await front.listen();
  return { clock, service, front, endpoint, client: clientOf(endpoint) };
}

export function clientOf(endpoint: string, options: DynamoDBClientConfig = {}): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new DynamoDBClient({ endpoint, region: CONTEXT.region, credentials, maxAttempts: 1, ...options });
}
