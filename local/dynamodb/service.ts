/**
 * DynamoDB, as far as README.md says: tables in SQLite that outlive the process, requests checked and expressions parsed by
 * dynalite. Why its storage is not used: docs/decisions/0012-dynamodb-items-in-sqlite.md.
 */
import { crc32 } from 'node:zlib';
import { FaultSwitch } from '../faults/fault-switch.ts';
import { jsonProtocol } from '../protocol/json.ts';
import type { Environment, LocalService, ServiceRequest, ServiceResponse } from '../service.ts';
import { parseBody } from './check-request.ts';
import { DynamoDbError } from './dynamodb-error.ts';
import { ItemStore } from './item-store.ts';
import { BATCHES, dynamoDbOperations } from './operations.ts';
import { tableKinds } from './resource-kinds.ts';
import { TOKEN_AGE_MS } from './transactions.ts';

export interface DynamoDbService extends LocalService {
  readonly faults: FaultSwitch;
}

/** As AWS's own limit of a request. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** AWS deletes expired items within a few days. */
const SWEEP_INTERVAL_MS = 60_000;
/** Items that ended longer ago are not deleted (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html). */
const EXPIRED_AGE_S_MAX = 5 * 365 * 86_400;

export function createDynamoDbService(environment: Environment): DynamoDbService {
  const { clock } = environment;
  const store = new ItemStore(environment.folder('dynamodb'));
  const faults = new FaultSwitch({ scope: 'dynamodb', clock, handle: () => handle, batches: BATCHES });
  const operations = dynamoDbOperations(store, environment, faults);
  const answer = jsonProtocol({
    service: 'dynamodb',
    targetPrefix: 'DynamoDB_20120810',
    version: '1.0',
    invalidInputCode: 'ValidationException',
    bodyBytesMax: BODY_BYTES_MAX,
    parse: parseBody,
    operations,
    errorMembers: (error) => (error instanceof DynamoDbError ? error.members : {}),
  });
  let sweeping: { cancel(): void } | undefined;

  /** Clients check the sum of an answer that has one. */
  async function answerSummed(request: ServiceRequest): Promise<ServiceResponse> {
    const response = await answer(request);
    const sum = crc32(typeof response.body === 'string' ? response.body : '');
    return { ...response, headers: { ...response.headers, 'x-amz-crc32': String(sum) } };
  }

  function sweep(): void {
    const nowS = clock.now() / 1000;
    for (const { TableName, timeToLiveAttribute } of store.tables()) {
      if (timeToLiveAttribute !== undefined) store.deleteExpired(TableName, nowS - EXPIRED_AGE_S_MAX, nowS);
    }
    store.deleteTokens(clock.now() - TOKEN_AGE_MS);
  }

  function sweepRegularly(): void {
    const task = (): void => {
      sweepRegularly();
      sweep();
    };
    sweeping = clock.after(SWEEP_INTERVAL_MS, task, 'upkeep');
  }

  const handle = Object.assign(answerSummed, { operations: Object.keys(operations) });

  return {
    scope: 'dynamodb',
    handle,
    resourceKinds: tableKinds(store, environment),
    faults,
    start: sweepRegularly,
    async stop() {
      sweeping?.cancel();
      store.close();
    },
  };
}
