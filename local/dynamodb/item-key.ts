/** Where an item stands in its table and in its indexes: bytes that sort as DynamoDB sorts keys. */
import db from 'dynalite/db/index.js';
import { type AttributeValue, attribute, bytesOf, type Item } from './attribute-value.ts';
import { refuse } from './check-request.ts';
import { validationError } from './dynamodb-error.ts';
import type { IndexDefinition, KeySchemaElement } from './requests.ts';
import type { TableRecord } from './table-record.ts';

export interface ItemKey {
  readonly hash: Buffer;
  /** Empty in a table or index without a sort key. */
  readonly range: Buffer;
}

export interface IndexEntry extends ItemKey {
  readonly index: string;
}

const EMPTY = Buffer.alloc(0);

/** Bytes that sort as the keys do: strings and binaries by their bytes, numbers by value. */
export function keyBytes(value: AttributeValue): Buffer {
  if (value.N !== undefined) return Buffer.from(db.toLexiStr(value.N, 'N'));
  return value.B === undefined ? Buffer.from(value.S ?? '') : bytesOf(value.B);
}

/** @param key the key attributes and no others @throws AwsError `ValidationException` */
export function keyOfKey(key: Item, table: TableRecord): ItemKey {
  refuse(db.validateKey(key, table));
  return place(key, table.KeySchema);
}

/** @throws AwsError `ValidationException` for key attributes that are missing, of another type, empty or too long */
export function keyOfItem(item: Item, table: TableRecord): ItemKey {
  refuse(db.validateItem(item, table));
  for (const index of indexesOf(table)) refuseEmptyKeys(item, index);
  return place(item, table.KeySchema);
}

function refuseEmptyKeys(item: Item, { IndexName, KeySchema }: IndexDefinition): void {
  for (const { AttributeName } of KeySchema) {
    const value = attribute(item, AttributeName);
    if (value?.S !== '' && value?.B !== '') continue;
    throw validationError(
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. ' +
        `The AttributeValue for a key attribute cannot contain an empty ${value.S === '' ? 'string' : 'binary'} value. ` +
        `IndexName: ${IndexName}, IndexKey: ${AttributeName}`,
    );
  }
}

export function place(item: Item, schema: readonly KeySchemaElement[]): ItemKey {
  const [hash, range] = schema.map(({ AttributeName }) => attribute(item, AttributeName));
  return { hash: hash ? keyBytes(hash) : EMPTY, range: range ? keyBytes(range) : EMPTY };
}

export function indexesOf(table: TableRecord): readonly IndexDefinition[] {
  return [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
}

/** An index has the items that have all of its key attributes, with their types. */
export function indexEntries(item: Item, table: TableRecord): readonly IndexEntry[] {
  const types = new Map(
    table.AttributeDefinitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const fits = ({ AttributeName }: KeySchemaElement): boolean => {
    const type = types.get(AttributeName);
    return type !== undefined && attribute(item, AttributeName)?.[type] !== undefined;
  };
  return indexesOf(table)
    .filter(({ KeySchema }) => KeySchema.every(fits))
    .map(({ IndexName, KeySchema }) => ({ index: IndexName, ...place(item, KeySchema) }));
}
