/**
 * Query and Scan, over a table or an index, in pages.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
 */
import db from 'dynalite/db/index.js';
import queryValidation from 'dynalite/validations/query.js';
import scanValidation from 'dynalite/validations/scan.js';
import { attribute, type Item, itemBytes } from './attribute-value.ts';
import { consumedCapacity, readUnits } from './capacity.ts';
import { checkRequest, refuse } from './check-request.ts';
import { validationError } from './dynamodb-error.ts';
import { evaluateCondition } from './evaluate-condition.ts';
import type { Input } from './input.ts';
import { place } from './item-key.ts';
import type { ItemStore } from './item-store.ts';
import { type KeyRange, keyRange } from './key-range.ts';
import { project } from './read-operations.ts';
import { type ReadSource, readSource, seenBy } from './read-source.ts';
import type { KeySchemaElement, QueryRequest, ScanRequest } from './requests.ts';

/** What a page holds at most, before its filter. */
const PAGE_BYTES_MAX = 1024 * 1024;

export function query(store: ItemStore, input: Input): object {
  const request = checkRequest(queryValidation, input);
  const source = readSource(store.table(request.TableName), request);
  const range = keyRange(request.KeyConditions, source);
  for (const { AttributeName } of source.schema) {
    if (request._filter?.pathHeads[AttributeName])
      throw validationError(
        `Filter Expression can only contain non-primary key attributes: Primary key attribute: ${AttributeName}`,
      );
  }
  const { ExclusiveStartKey } = request;
  if (ExclusiveStartKey && !place(ExclusiveStartKey, source.schema).hash.equals(range.hash))
    throw validationError('The provided starting key is outside query boundaries based on provided conditions');
  return readPage(store, source, request, range);
}

export function scan(store: ItemStore, input: Input): object {
  const request = checkRequest(scanValidation, input);
  if ((request.TotalSegments ?? 1) > 1)
    throw validationError(`The local DynamoDB scans in one segment; TotalSegments ${request.TotalSegments} was given.`);
  return readPage(store, readSource(store.table(request.TableName), request), request);
}

function readPage(store: ItemStore, source: ReadSource, request: ScanRequest | QueryRequest, range?: KeyRange): object {
  const { _filter, _projection, ExclusiveStartKey, Limit, Select } = request;
  const { table, schema } = source;
  refuse(db.validateKeyPaths(_projection?.nestedPaths, table));
  refuse(db.validateKeyPaths(_filter?.nestedPaths, table));
  const items = store.read({
    table: table.TableName,
    index: source.index?.IndexName,
    where: range?.where ?? [],
    values: range?.values ?? [],
    after: ExclusiveStartKey && {
      at: place(ExclusiveStartKey, schema),
      item: place(ExclusiveStartKey, table.KeySchema),
    },
    descending: 'ScanIndexForward' in request && request.ScanIndexForward === false,
  });
  const found: Item[] = [];
  let [scanned, bytes] = [0, 0];
  let last: Item | undefined;
  for (const stored of items) {
    const item = seenBy(source, stored);
    scanned += 1;
    bytes += itemBytes(item);
    if (!_filter || evaluateCondition(_filter.expression, item)) found.push(project(item, _projection));
    // A full page has a key to go on from, even when nothing follows.
    if (scanned === Limit || bytes >= PAGE_BYTES_MAX) {
      last = stored;
      break;
    }
  }
  return {
    Count: found.length,
    ScannedCount: scanned,
    ...(Select !== 'COUNT' && { Items: found }),
    ...(last && { LastEvaluatedKey: keyAttributes(last, [...schema, ...table.KeySchema]) }),
    ConsumedCapacity: consumedCapacity(
      table.TableName,
      readUnits(bytes, request.ConsistentRead),
      request.ReturnConsumedCapacity,
    ),
  };
}

function keyAttributes(item: Item, schema: readonly KeySchemaElement[]): Item {
  const attributes = schema.map(({ AttributeName }) => [AttributeName, attribute(item, AttributeName)]);
  return Object.fromEntries(attributes);
}
