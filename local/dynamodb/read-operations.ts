/** GetItem and BatchGetItem. Every read is consistent. */
import db from 'dynalite/db/index.js';
import batchGetItem from 'dynalite/validations/batchGetItem.js';
import getItem from 'dynalite/validations/getItem.js';
import { faultError } from '../faults/fault-errors.ts';
import { type Item, itemBytes } from './attribute-value.ts';
import { CapacityTally, consumedCapacity, readUnits } from './capacity.ts';
import { checkRequest, refuse } from './check-request.ts';
import type { Input } from './input.ts';
import { keyOfKey } from './item-key.ts';
import type { ItemStore } from './item-store.ts';
import type { GetItemRequest, Projection } from './requests.ts';

export interface ReadItem {
  /** With its projection; undefined when there is none. */
  readonly item: Item | undefined;
  /** Of the whole item. */
  readonly bytes: number;
}

const BATCH_BYTES_MAX = 16 * 1024 * 1024;

export function getOne(store: ItemStore, input: Input): object {
  const request = checkRequest(getItem, input);
  const { item, bytes } = readItem(store, request);
  const { TableName, ConsistentRead, ReturnConsumedCapacity } = request;
  const units = readUnits(bytes, ConsistentRead);
  return { Item: item, ConsumedCapacity: consumedCapacity(TableName, units, ReturnConsumedCapacity) };
}

export function readItem(store: ItemStore, { TableName, Key, _projection }: GetItemRequest): ReadItem {
  const table = store.table(TableName);
  const key = keyOfKey(Key, table);
  refuse(db.validateKeyPaths(_projection?.nestedPaths, table));
  const item = store.get(TableName, key);
  return { item: item && project(item, _projection), bytes: item ? itemBytes(item) : 0 };
}

export function project(item: Item, projection: Projection | undefined): Item {
  return projection ? db.mapPaths(projection.paths, item) : item;
}

/**
 * What comes after 16 MB is left in `UnprocessedKeys`, with all that its request said, and what `rejects` is true of.
 * @throws AwsError `ProvisionedThroughputExceededException` when that is true of all
 */
export function batchGet(store: ItemStore, input: Input, rejects: () => boolean): object {
  const { RequestItems, ReturnConsumedCapacity } = checkRequest(batchGetItem, input);
  const responses: Record<string, Item[]> = {};
  const unprocessed: Record<string, object> = {};
  const capacity = new CapacityTally();
  let bytes = 0;
  let taken = 0;
  for (const [TableName, { _projection, ...request }] of Object.entries(RequestItems)) {
    const items: Item[] = [];
    const left: Item[] = [];
    for (const Key of request.Keys) {
      if (rejects()) {
        left.push(Key);
        continue;
      }
      taken++;
      const read = readItem(store, { TableName, Key, ...(_projection && { _projection }) });
      if (bytes + read.bytes > BATCH_BYTES_MAX) {
        left.push(Key);
        continue;
      }
      bytes += read.bytes;
      capacity.add(TableName, readUnits(read.bytes, request.ConsistentRead));
      if (read.item) items.push(read.item);
    }
    responses[TableName] = items;
    if (left.length > 0) unprocessed[TableName] = { ...request, Keys: left };
  }
  if (taken === 0) throw faultError('dynamodb', 'throttling');
  const ConsumedCapacity = capacity.list(ReturnConsumedCapacity);
  return { Responses: responses, UnprocessedKeys: unprocessed, ConsumedCapacity };
}
