/**
 * The state table on DynamoDB: the books' small vocabulary as expressions, and items as plain values.
 * Sources: amazondynamodb/latest/APIReference/API_UpdateItem.html, API_TransactWriteItems.html.
 */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  ConditionFailed,
  type Expectation,
  numberOf,
  type StateAttributes,
  type StateItem,
  type StateKey,
  type StateTablePort,
  StateUnavailable,
  type StateUpdate,
  type StateValue,
  type StateWrite,
} from '../books/state-table.ts';
import { type Backoff, backoffMs } from './backoff.ts';

export interface DynamoDbStateTableOptions {
  /** Retries what is retryable by itself, within a second or so: the caller waits. */
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Between attempts at a transaction that met another one on an item. Default: from 20 ms, to 500 ms at most. */
  readonly backoff?: Backoff;
  readonly wait?: (durationMs: number) => Promise<unknown>;
  /** How long one call may take, its retries included, milliseconds. Default `CALL_TIMEOUT_MS`. */
  readonly callTimeoutMs?: number;
}

/** An answer takes milliseconds; a connection that has gone silent must not take the invocation with it. */
export const CALL_TIMEOUT_MS = 5_000;
/** Of the items with `status` and `updated_at`. */
const STATUS_INDEX = 'by-status';
/** Attempts at a transaction that another one is in the way of. */
const CONFLICT_ATTEMPTS_MAX = 6;

const BACKOFF: Backoff = { baseMs: 20, ceilingMs: 500, random: Math.random };

export function createDynamoDbStateTable(options: DynamoDbStateTableOptions): StateTablePort {
  const { client, tableName, backoff = BACKOFF, callTimeoutMs = CALL_TIMEOUT_MS } = options;
  const wait = options.wait ?? ((durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs)));

  /** @throws what `read` makes of an error, or StateUnavailable */
  async function call<Answer>(send: (abortSignal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(AbortSignal.timeout(callTimeoutMs));
      } catch (error) {
        const failed = failedConditions(error);
        if (failed !== undefined) throw new ConditionFailed(failed);
        if (!isConflict(error) || attempt >= CONFLICT_ATTEMPTS_MAX) throw unavailable(error);
        await wait(backoffMs(backoff, attempt));
      }
    }
  }

  return {
    async get(key) {
      const command = new GetItemCommand({ TableName: tableName, Key: keyOf(key), ConsistentRead: true });
      const { Item } = await call((abortSignal) => client.send(command, { abortSignal }));
      return Item && readItem(Item);
    },
    async query(pk, { from, to, descending = false, limit } = {}) {
      const items: StateItem[] = [];
      let start: Record<string, AttributeValue> | undefined;
      do {
        const command = new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          ScanIndexForward: !descending,
          ...(limit !== undefined && { Limit: limit - items.length }),
          ...(start && { ExclusiveStartKey: start }),
          KeyConditionExpression: ['pk = :pk', sortCondition(from, to)].filter(Boolean).join(' AND '),
          ExpressionAttributeValues: {
            ':pk': { S: pk },
            ...(from !== undefined && { ':from': { S: from } }),
            ...(to !== undefined && { ':to': { S: to } }),
          },
        });
        const page = await call((abortSignal) => client.send(command, { abortSignal }));
        items.push(...(page.Items ?? []).map(readItem));
        start = page.LastEvaluatedKey;
      } while (start && (limit === undefined || items.length < limit));
      return items;
    },
    async queryByStatus(status, { limit, after, descending = false }) {
      const command = new QueryCommand({
        TableName: tableName,
        IndexName: STATUS_INDEX,
        ScanIndexForward: !descending,
        Limit: limit,
        ...(after && {
          ExclusiveStartKey: { ...keyOf(after), status: { S: status }, updated_at: { N: String(after.updatedAtMs) } },
        }),
        KeyConditionExpression: '#status = :status',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': { S: status } },
      });
      const page = await call((abortSignal) => client.send(command, { abortSignal }));
      const last = page.LastEvaluatedKey && readItem(page.LastEvaluatedKey);
      return {
        items: (page.Items ?? []).map(readItem),
        next: last && { pk: last.pk, sk: last.sk, updatedAtMs: numberOf(last, 'updated_at') },
      };
    },
    async update(update) {
      const command = new UpdateItemCommand({
        TableName: tableName,
        ...updateInput(update),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      const { Attributes } = await call((abortSignal) => client.send(command, { abortSignal }));
      return readItem(Attributes ?? {});
    },
    async transact(writes) {
      // The SDK gives each command a token of its own, which its retries share: done twice, it counts once.
      const command = new TransactWriteItemsCommand({
        TransactItems: writes.map((write) => transactItem(tableName, write)),
      });
      await call((abortSignal) => client.send(command, { abortSignal }));
    },
  };
}

function sortCondition(from: string | undefined, to: string | undefined): string {
  if (from !== undefined && to !== undefined) return 'sk BETWEEN :from AND :to';
  return from !== undefined ? 'sk >= :from' : to !== undefined ? 'sk <= :to' : '';
}

function transactItem(TableName: string, write: StateWrite): TransactWriteItem {
  const common = { TableName, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
  if (write.kind === 'update') return { Update: { ...common, ...updateInput(write) } };
  if (write.kind === 'check') {
    const names = createNames();
    const ConditionExpression = names.condition(write.expect);
    return { ConditionCheck: { ...common, Key: keyOf(write.key), ConditionExpression, ...names.given() } };
  }
  const item = { ...keyOf(write.key), ...writeAttributes(write.attributes) };
  if (write.when === 'new') return { Put: { ...common, Item: item, ConditionExpression: 'attribute_not_exists(pk)' } };
  const names = createNames();
  const owner = names.value(write.attributes.owner ?? '');
  const generation = names.value(write.attributes.generation ?? 0);
  const ConditionExpression = `attribute_not_exists(pk) OR ${names.name('owner')} = ${owner} OR ${names.name('generation')} < ${generation}`;
  return { Put: { ...common, Item: item, ConditionExpression, ...names.given() } };
}

function updateInput(update: StateUpdate) {
  const names = createNames();
  const sets = [
    ...Object.entries(update.set ?? {}).map(([name, value]) => `${names.name(name)} = ${names.value(value)}`),
    ...Object.entries(update.setOnce ?? {}).map(
      ([name, value]) => `${names.name(name)} = if_not_exists(${names.name(name)}, ${names.value(value)})`,
    ),
  ];
  const adds = Object.entries(update.add ?? {}).map(([name, value]) => `${names.name(name)} ${names.value(value)}`);
  const removes = (update.remove ?? []).map((name) => names.name(name));
  const parts = [
    ['SET', sets],
    ['ADD', adds],
    ['REMOVE', removes],
  ] as const;
  const expression = parts.flatMap(([verb, list]) => (list.length > 0 ? [`${verb} ${list.join(', ')}`] : [])).join(' ');
  const condition = update.expect && names.condition(update.expect);
  return {
    Key: keyOf(update.key),
    UpdateExpression: expression,
    ...(condition && { ConditionExpression: condition }),
    ...names.given(),
  };
}

/** Placeholders: names may be reserved words, and come from data. */
function createNames() {
  const names = new Map<string, string>();
  const values: Record<string, AttributeValue> = {};
  let count = 0;
  const name = (attribute: string): string => {
    const known = names.get(attribute) ?? `#n${names.size}`;
    names.set(attribute, known);
    return known;
  };
  const value = (given: StateValue): string => {
    const placeholder = `:v${count++}`;
    values[placeholder] = writeValue(given);
    return placeholder;
  };
  return {
    name,
    value,
    condition: (expect: Expectation): string =>
      Object.entries(expect)
        .map(([attribute, given]) =>
          given === undefined ? `attribute_not_exists(${name(attribute)})` : `${name(attribute)} = ${value(given)}`,
        )
        .join(' AND '),
    given: () => ({
      ...(names.size > 0 && {
        ExpressionAttributeNames: Object.fromEntries(
          [...names].map(([attribute, placeholder]) => [placeholder, attribute]),
        ),
      }),
      ...(count > 0 && { ExpressionAttributeValues: values }),
    }),
  };
}

const keyOf = ({ pk, sk }: StateKey): Record<string, AttributeValue> => ({ pk: { S: pk }, sk: { S: sk } });

function writeAttributes(attributes: StateAttributes): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, writeValue(value)]));
}

function writeValue(value: StateValue): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number' || typeof value === 'bigint') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  return value instanceof Uint8Array ? { B: value } : { SS: [...value] };
}

function readItem(item: Record<string, AttributeValue>): StateItem {
  const { pk, sk, ...rest } = item;
  if (pk?.S === undefined || sk?.S === undefined) throw new TypeError('an item of the state table has no pk and sk');
  const attributes: Record<string, StateValue> = {};
  for (const [name, value] of Object.entries(rest)) attributes[name] = readValue(name, value);
  return { pk: pk.S, sk: sk.S, attributes };
}

function readValue(name: string, value: AttributeValue): StateValue {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return readNumber(value.N);
  if (value.B !== undefined) return value.B;
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.SS !== undefined) return new Set(value.SS);
  throw new TypeError(`attribute ${name}: received ${Object.keys(value).join()}, allowed: S, N, B, BOOL, SS`);
}

function readNumber(text: string): number | bigint {
  const number = Number(text);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

/** By index: the items whose conditions failed; undefined for any other error. */
function failedConditions(error: unknown): Map<number, StateItem | undefined> | undefined {
  if (error instanceof ConditionalCheckFailedException) return new Map([[0, error.Item && readItem(error.Item)]]);
  if (!(error instanceof TransactionCanceledException)) return undefined;
  const failed = new Map<number, StateItem | undefined>();
  for (const [index, { Code, Item }] of (error.CancellationReasons ?? []).entries()) {
    if (Code === 'ConditionalCheckFailed') failed.set(index, Item && readItem(Item));
  }
  return failed.size > 0 ? failed : undefined;
}

/** Another request is at work on an item: this one did nothing. */
function isConflict(error: unknown): boolean {
  if (!Error.isError(error)) return false;
  if (error instanceof TransactionCanceledException) {
    return (error.CancellationReasons ?? []).some(({ Code }) => Code === 'TransactionConflict');
  }
  return error.name === 'TransactionConflictException' || error.name === 'TransactionInProgressException';
}

function unavailable(error: unknown): StateUnavailable {
  const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
  return new StateUnavailable(`the state table is not available: ${reason}`, { cause: error });
}
