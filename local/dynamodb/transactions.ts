/**
 * TransactWriteItems and TransactGetItems: everything or nothing, in one transaction of the store.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
import { createHash } from 'node:crypto';
import getItem from 'dynalite/validations/getItem.js';
import type { Clock } from '../clock.ts';
import { AwsError } from '../service.ts';
import { type Item, itemBytes } from './attribute-value.ts';
import { CapacityTally, readUnits, writeUnits } from './capacity.ts';
import { checkRequest } from './check-request.ts';
import { type CancellationReason, ConditionFailed, transactionCanceled, validationError } from './dynamodb-error.ts';
import type { TransactGetInput, TransactWriteInput } from './input.ts';
import { keyOfKey } from './item-key.ts';
import type { ItemStore } from './item-store.ts';
import { type ReadItem, readItem } from './read-operations.ts';
import type { GetItemRequest } from './requests.ts';
import { type Write, type Written, writeItem } from './write-item.ts';
import { checkWrite, placeOf } from './write-operations.ts';

const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;
/** How long a token makes a request idempotent. */
export const TOKEN_AGE_MS = 10 * 60_000;
/** A transaction costs twice what its parts would. */
const TRANSACTION_COST = 2;

export function transactWrite(store: ItemStore, clock: Clock, input: TransactWriteInput): object {
  const { ClientRequestToken: token, ReturnConsumedCapacity } = input;
  const fingerprint = fingerprintOf(input.TransactItems);
  const known = token === undefined ? undefined : store.token(token);
  const repeated = known !== undefined && known.atMs > clock.now() - TOKEN_AGE_MS;
  if (repeated && known.fingerprint !== fingerprint) {
    const message = 'Request parameters do not match those of the earlier request with the same ClientRequestToken.';
    throw new AwsError('IdempotentParameterMismatchException', message);
  }
  const writes = input.TransactItems.map(checkAction);
  if (repeated) return {};
  const capacity = new CapacityTally();
  store.transaction(() => {
    for (const [position, { before, after }] of writeAll(store, writes).entries())
      capacity.add(writes[position]?.request.TableName ?? '', TRANSACTION_COST * writeUnits(before, after));
    if (token !== undefined) store.putToken(token, { fingerprint, atMs: clock.now() });
  });
  return { ConsumedCapacity: capacity.list(ReturnConsumedCapacity) };
}

function checkAction({ Put, Update, Delete, ConditionCheck }: TransactWriteInput['TransactItems'][number]): Write {
  if (Put) return checkWrite('Put', Put);
  if (Update) {
    if (Update.UpdateExpression === undefined)
      throw validationError("The parameter 'UpdateExpression' is required but was not present in the request");
    return checkWrite('Update', Update);
  }
  if (Delete) return checkWrite('Delete', Delete);
  if (ConditionCheck?.ConditionExpression === undefined)
    throw validationError("The parameter 'ConditionExpression' is required but was not present in the request");
  return checkWrite('ConditionCheck', ConditionCheck);
}

/** @throws AwsError `TransactionCanceledException` with a reason for each action when one of them does not succeed */
function writeAll(store: ItemStore, writes: readonly Write[]): readonly Written[] {
  const places = new Set<string>();
  const written: Written[] = [];
  const reasons = writes.map((write): CancellationReason => {
    try {
      const place = placeOf(store, write);
      if (places.has(place)) throw new RepeatedItem();
      places.add(place);
      written.push(writeItem(store, write));
      return { Code: 'None' };
    } catch (error) {
      return reasonOf(error);
    }
  });
  if (reasons.some(({ Code }) => Code !== 'None')) throw transactionCanceled(reasons);
  const bytes = written.reduce((sum, { before, after }) => sum + Math.max(...[before, after].map(bytesOf)), 0);
  if (bytes > TRANSACTION_BYTES_MAX)
    throw validationError(`The items of the transaction have ${bytes} bytes; ${TRANSACTION_BYTES_MAX} are allowed.`);
  return written;
}

class RepeatedItem extends AwsError {
  constructor() {
    super('ValidationException', 'Transaction request cannot include multiple operations on one item');
  }
}

/** @throws what cancels no single action but is the answer to the whole request */
function reasonOf(error: unknown): CancellationReason {
  if (error instanceof ConditionFailed)
    return { Code: 'ConditionalCheckFailed', Message: error.message, ...(error.item && { Item: error.item }) };
  if (error instanceof AwsError && error.code === 'ValidationException' && !(error instanceof RepeatedItem))
    return { Code: 'ValidationError', Message: error.message };
  throw error;
}

const bytesOf = (item: Item | undefined): number => (item ? itemBytes(item) : 0);

/** The same for requests whose members have another order. */
function fingerprintOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sorted)).digest('base64');
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

export function transactGet(store: ItemStore, input: TransactGetInput): object {
  const requests = input.TransactItems.map(({ Get }) => checkRequest(getItem, Get));
  const places = requests.map(({ TableName, Key }) => {
    const { hash, range } = keyOfKey(Key, store.table(TableName));
    return `${TableName}/${hash.toString('hex')}/${range.toString('hex')}`;
  });
  if (new Set(places).size < places.length) throw new RepeatedItem();
  const capacity = new CapacityTally();
  let bytes = 0;
  const reads = requests.map((request: GetItemRequest): ReadItem => {
    const read = readItem(store, request);
    bytes += read.bytes;
    capacity.add(request.TableName, TRANSACTION_COST * readUnits(read.bytes, true));
    return read;
  });
  if (bytes > TRANSACTION_BYTES_MAX)
    throw validationError(`The items of the transaction have ${bytes} bytes; ${TRANSACTION_BYTES_MAX} are allowed.`);
  return {
    Responses: reads.map(({ item }) => ({ Item: item })),
    ConsumedCapacity: capacity.list(input.ReturnConsumedCapacity),
  };
}
