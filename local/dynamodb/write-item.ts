/** One write of one item, or the check of its condition: the same for single requests, batches and transactions. */
import db from 'dynalite/db/index.js';
import { applyUpdate } from './apply-update.ts';
import { ITEM_BYTES_MAX, type Item, itemBytes, NESTING_LEVELS_MAX, nestsWithin } from './attribute-value.ts';
import { refuse } from './check-request.ts';
import { ConditionFailed, validationError } from './dynamodb-error.ts';
import { evaluateCondition } from './evaluate-condition.ts';
import { type ItemKey, keyOfItem, keyOfKey } from './item-key.ts';
import type { ItemStore } from './item-store.ts';
import type { DeleteItemRequest, PutItemRequest, UpdateItemRequest } from './requests.ts';
import type { TableRecord } from './table-record.ts';

export type Write = (
  | { readonly kind: 'Put'; readonly request: PutItemRequest }
  | { readonly kind: 'Update'; readonly request: UpdateItemRequest }
  | { readonly kind: 'Delete' | 'ConditionCheck'; readonly request: DeleteItemRequest }
) & {
  /** Whether the item comes with the error when the condition fails. */
  readonly returnsItemOnFailure: boolean;
};

export interface Written {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** @throws AwsError `ValidationException` */
export function keyOfWrite(write: Write, table: TableRecord): ItemKey {
  return write.kind === 'Put' ? keyOfItem(write.request.Item, table) : keyOfKey(write.request.Key, table);
}

/**
 * Call it inside a transaction of the store.
 * @throws AwsError `ConditionalCheckFailedException`, `ValidationException`, `ResourceNotFoundException`
 */
export function writeItem(store: ItemStore, write: Write): Written {
  const table = store.table(write.request.TableName);
  const key = keyOfWrite(write, table);
  if (write.kind === 'Update') refuse(db.validateUpdates(undefined, write.request._updates, table));
  const before = store.get(table.TableName, key);
  const condition = write.request._condition;
  if (condition && !evaluateCondition(condition.expression, before ?? {}))
    throw new ConditionFailed(write.returnsItemOnFailure ? before : undefined);
  if (write.kind === 'ConditionCheck') return { before, after: before };
  const after = itemAfter(write, before);
  if (!after) store.delete(table.TableName, key);
  else store.put(table, write.kind === 'Update' ? keyOfItem(after, table) : key, after);
  return { before, after };
}

function itemAfter(write: Exclude<Write, { kind: 'ConditionCheck' }>, before: Item | undefined): Item | undefined {
  switch (write.kind) {
    case 'Put':
      checkItem(write.request.Item, 'Item size has exceeded the maximum allowed size');
      return write.request.Item;
    case 'Update': {
      const after = applyUpdate(write.request._updates?.sections ?? [], before ?? write.request.Key);
      checkItem(after, 'Item size to update has exceeded the maximum allowed size');
      return after;
    }
    default:
      return undefined;
  }
}

function checkItem(item: Item, tooLarge: string): void {
  if (!Object.values(item).every((value) => nestsWithin(value, NESTING_LEVELS_MAX)))
    throw validationError('Nesting Levels have exceeded supported limits');
  if (itemBytes(item) > ITEM_BYTES_MAX) throw validationError(tooLarge);
}
