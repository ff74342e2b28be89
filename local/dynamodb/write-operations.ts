/** PutItem, UpdateItem, DeleteItem, BatchWriteItem. */
import db from 'dynalite/db/index.js';
import batchWriteItem from 'dynalite/validations/batchWriteItem.js';
import deleteItem from 'dynalite/validations/deleteItem.js';
import type { Validation } from 'dynalite/validations/index.js';
import putItem from 'dynalite/validations/putItem.js';
import updateItem from 'dynalite/validations/updateItem.js';
import { faultError } from '../faults/fault-errors.ts';
import type { Item } from './attribute-value.ts';
import { CapacityTally, consumedCapacity, writeUnits } from './capacity.ts';
import { checkRequest } from './check-request.ts';
import { validationError } from './dynamodb-error.ts';
import type { Input } from './input.ts';
import { ReturnOnFailure } from './input.ts';
import type { ItemStore } from './item-store.ts';
import type { BatchWriteItemRequest } from './requests.ts';
import { keyOfWrite, type Write, type Written, writeItem } from './write-item.ts';

const CHECKS = { Put: putItem, Update: updateItem, Delete: deleteItem, ConditionCheck: deleteItem };

/** The checked write of a request, or of one action of a transaction. @throws AwsError `ValidationException` */
export function checkWrite(kind: Write['kind'], input: Input): Write {
  const returned = ReturnOnFailure.safeParse(input.ReturnValuesOnConditionCheckFailure);
  if (!returned.success)
    throw validationError(
      `Value '${String(input.ReturnValuesOnConditionCheckFailure)}' at 'returnValuesOnConditionCheckFailure' failed to ` +
        'satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]',
    );
  const returnsItemOnFailure = returned.data === 'ALL_OLD';
  const checked = <Request>(validation: Validation<Request>): Request => checkRequest(validation, input);
  switch (kind) {
    case 'Put':
      return { kind, request: checked(CHECKS.Put), returnsItemOnFailure };
    case 'Update':
      return { kind, request: checked(CHECKS.Update), returnsItemOnFailure };
    default:
      return { kind, request: checked(CHECKS[kind]), returnsItemOnFailure };
  }
}

export function writeOne(store: ItemStore, kind: 'Put' | 'Update' | 'Delete', input: Input): object {
  const write = checkWrite(kind, input);
  const written = store.transaction(() => writeItem(store, write));
  const { TableName, ReturnConsumedCapacity } = write.request;
  const units = writeUnits(written.before, written.after);
  return {
    Attributes: returnedAttributes(write, written),
    ConsumedCapacity: consumedCapacity(TableName, units, ReturnConsumedCapacity),
  };
}

function returnedAttributes(write: Write, { before, after }: Written): Item | undefined {
  const updates = write.kind === 'Update' ? write.request._updates : undefined;
  const updated = (item: Item | undefined): Item | undefined => {
    const attributes = item && updates && db.mapPaths(updates.paths, item);
    return attributes && Object.keys(attributes).length > 0 ? attributes : undefined;
  };
  switch (write.request.ReturnValues) {
    case 'ALL_OLD':
      return before;
    case 'ALL_NEW':
      return after;
    case 'UPDATED_OLD':
      return updated(before);
    case 'UPDATED_NEW':
      return updated(after);
    default:
      return undefined;
  }
}

/**
 * All of them at once, but for those that `rejects` is true of, which are left in `UnprocessedItems`.
 * @throws AwsError `ProvisionedThroughputExceededException` when all are
 */
export function batchWrite(store: ItemStore, input: Input, rejects: () => boolean): object {
  const { RequestItems, ReturnConsumedCapacity } = checkRequest(batchWriteItem, input);
  const entries = Object.entries(RequestItems).flatMap(([TableName, requests]) =>
    requests.map((request) => ({ TableName, request, write: writeOf(TableName, request) })),
  );
  const places = entries.map(({ write }) => placeOf(store, write));
  if (new Set(places).size < places.length) throw validationError('Provided list of item keys contains duplicates');
  const left: Record<string, object[]> = {};
  const writes: Write[] = [];
  for (const { TableName, request, write } of entries) {
    if (!rejects()) writes.push(write);
    else left[TableName] = [...(left[TableName] ?? []), request];
  }
  if (writes.length === 0) throw faultError('dynamodb', 'throttling');
  const capacity = new CapacityTally();
  store.transaction(() => {
    for (const write of writes) {
      const { before, after } = writeItem(store, write);
      capacity.add(write.request.TableName, writeUnits(before, after));
    }
  });
  return { UnprocessedItems: left, ConsumedCapacity: capacity.list(ReturnConsumedCapacity) };
}

function writeOf(
  TableName: string,
  { PutRequest, DeleteRequest }: BatchWriteItemRequest['RequestItems'][string][number],
): Write {
  const returnsItemOnFailure = false;
  if (PutRequest) return { kind: 'Put', request: { TableName, Item: PutRequest.Item }, returnsItemOnFailure };
  return { kind: 'Delete', request: { TableName, Key: DeleteRequest?.Key ?? {} }, returnsItemOnFailure };
}

/** Names the item that a write is on. */
export function placeOf(store: ItemStore, write: Write): string {
  const { hash, range } = keyOfWrite(write, store.table(write.request.TableName));
  return `${write.request.TableName}/${hash.toString('hex')}/${range.toString('hex')}`;
}
