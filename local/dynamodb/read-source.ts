/** The table or index that a query or scan reads, and what it sees of each item there. */
import { attribute, type Item } from './attribute-value.ts';
import { validationError } from './dynamodb-error.ts';
import type { IndexDefinition, KeySchemaElement, ScanRequest } from './requests.ts';
import type { TableRecord } from './table-record.ts';

export interface ReadSource {
  readonly table: TableRecord;
  /** Undefined: the table itself. */
  readonly index: IndexDefinition | undefined;
  readonly schema: readonly KeySchemaElement[];
  /** Names of what is seen of an item; undefined: everything. */
  readonly attributes: readonly string[] | undefined;
}

/** @throws AwsError `ValidationException` for what the source cannot give */
export function readSource(table: TableRecord, request: ScanRequest): ReadSource {
  const { IndexName, Select, ExclusiveStartKey } = request;
  const local = table.LocalSecondaryIndexes?.find((index) => index.IndexName === IndexName);
  const global = table.GlobalSecondaryIndexes?.find((index) => index.IndexName === IndexName);
  const index = local ?? global;
  if (IndexName !== undefined && !index)
    throw validationError(`The table does not have the specified index: ${IndexName}`);
  if (global && request.ConsistentRead === true)
    throw validationError('Consistent reads are not supported on global secondary indexes');
  if (!index && Select === 'ALL_PROJECTED_ATTRIBUTES')
    throw validationError('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  const schema = index?.KeySchema ?? table.KeySchema;
  const projected = index && projectedAttributes(index, table);
  const missing = projected && wanted(request).filter((name) => !projected.includes(name));
  if (global && missing) refuseMissing(global, missing, Select);
  // A local index fetches from its table what it does not hold itself.
  const fetches = local && (Select === 'ALL_ATTRIBUTES' || (missing && missing.length > 0));
  if (ExclusiveStartKey) checkStart(ExclusiveStartKey, table, schema);
  return { table, index, schema, attributes: fetches ? undefined : projected };
}

function refuseMissing(
  { IndexName }: IndexDefinition,
  missing: readonly string[],
  select: ScanRequest['Select'],
): void {
  if (select === 'ALL_ATTRIBUTES')
    throw validationError(
      'One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary ' +
        `index ${IndexName} because its projection type is not ALL`,
    );
  if (missing.length > 0)
    throw validationError(
      `One or more parameter values were invalid: Global secondary index ${IndexName} does not project [${missing.join(', ')}]`,
    );
}

/** First names of what the expressions of the request read. */
function wanted({ _projection, _filter }: ScanRequest): readonly string[] {
  const heads = (_projection?.paths ?? []).map(([head]) => String(head));
  return [...new Set([...heads, ...Object.keys(_filter?.pathHeads ?? {})])];
}

function projectedAttributes(
  { KeySchema, Projection }: IndexDefinition,
  table: TableRecord,
): readonly string[] | undefined {
  if (Projection.ProjectionType === 'ALL') return undefined;
  const keys = [...KeySchema, ...table.KeySchema].map(({ AttributeName }) => AttributeName);
  return [...keys, ...(Projection.NonKeyAttributes ?? [])];
}

/** The key to go on from has the key attributes of table and index, with their types, and no others. */
function checkStart(start: Item, table: TableRecord, schema: readonly KeySchemaElement[]): void {
  const names = new Set([...schema, ...table.KeySchema].map(({ AttributeName }) => AttributeName));
  const valid = table.AttributeDefinitions.every(
    ({ AttributeName, AttributeType }) =>
      !names.has(AttributeName) || attribute(start, AttributeName)?.[AttributeType] !== undefined,
  );
  if (!valid || Object.keys(start).length !== names.size)
    throw validationError('The provided starting key is invalid: The provided key element does not match the schema');
}

export function seenBy({ attributes }: ReadSource, item: Item): Item {
  if (!attributes) return item;
  return Object.fromEntries(Object.entries(item).filter(([name]) => attributes.includes(name)));
}
