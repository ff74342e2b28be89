/** CreateTable, DeleteTable, DescribeTable, ListTables, UpdateTimeToLive, DescribeTimeToLive. */
import { createHash } from 'node:crypto';
import createTableValidation from 'dynalite/validations/createTable.js';
import type { z } from 'zod';
import { AwsError, type Environment } from '../service.ts';
import { checkRequest } from './check-request.ts';
import { resourceNotFound, validationError } from './dynamodb-error.ts';
import type { Input, ListTablesInput, TimeToLiveInput } from './input.ts';
import type { ItemStore } from './item-store.ts';
import { describeTable, TableDefinition, type TableRecord } from './table-record.ts';

type Place = Pick<Environment, 'account' | 'region' | 'clock'>;

export function tableArn({ account, region }: Pick<Environment, 'account' | 'region'>, name: string): string {
  return `arn:aws:dynamodb:${region}:${account}:table/${name}`;
}

/** The same for every table of that ARN, as a template's plan needs it before there is a table. */
export function tableId(arn: string): string {
  const digest = createHash('sha256').update(arn).digest('hex');
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-a$4-$5');
}

/** @throws AwsError `ValidationException` for members that have no meaning here, and for what AWS refuses */
export function checkDefinition(input: Input): TableDefinition {
  const known = Object.keys(TableDefinition.shape);
  const unknown = Object.keys(input).filter((name) => input[name] !== undefined && !known.includes(name));
  if (unknown.length > 0)
    throw validationError(
      `The local DynamoDB does not support ${unknown.join(', ')} of CreateTable. Supported: ${known.join(', ')}.`,
    );
  return TableDefinition.parse(checkRequest(createTableValidation, input));
}

export function newTable(definition: TableDefinition, { clock, ...place }: Place): TableRecord {
  const arn = tableArn(place, definition.TableName);
  return { ...definition, arn, id: tableId(arn), createdMs: clock.now() };
}

/** A table is `ACTIVE` at once. */
export function createTable(store: ItemStore, place: Place, input: Input): object {
  const definition = checkDefinition(input);
  if (store.find(definition.TableName))
    throw new AwsError('ResourceInUseException', `Table already exists: ${definition.TableName}`);
  const table = newTable(definition, place);
  store.putTable(table);
  return { TableDescription: describeTable(table, store.size(table.TableName)) };
}

export function deleteTable(store: ItemStore, name: string): object {
  const table = named(store, name);
  const description = describeTable(table, store.size(name));
  store.dropTable(name);
  return { TableDescription: { ...description, TableStatus: 'DELETING' } };
}

export function describe(store: ItemStore, name: string): object {
  return { Table: describeTable(named(store, name), store.size(name)) };
}

export function listTables(store: ItemStore, input: z.infer<typeof ListTablesInput>): object {
  const { ExclusiveStartTableName: after = '', Limit } = input;
  const names = store.tables().map(({ TableName }) => TableName);
  const following = names.filter((name) => name > after).sort();
  const TableNames = following.slice(0, Limit);
  return { TableNames, ...(following.length > Limit && { LastEvaluatedTableName: TableNames.at(-1) }) };
}

export function updateTimeToLive(store: ItemStore, input: z.infer<typeof TimeToLiveInput>): object {
  const { AttributeName, Enabled } = input.TimeToLiveSpecification;
  const { timeToLiveAttribute: current, ...table } = named(store, input.TableName);
  if (Enabled && current !== undefined) throw validationError('TimeToLive is already enabled');
  if (!Enabled && current === undefined) throw validationError('TimeToLive is already disabled');
  if (!Enabled && current !== AttributeName)
    throw validationError(`TimeToLive is active on a different AttributeName: current AttributeName is ${current}`);
  store.putTable({ ...table, ...(Enabled && { timeToLiveAttribute: AttributeName }) });
  return { TimeToLiveSpecification: { AttributeName, Enabled } };
}

export function describeTimeToLive(store: ItemStore, name: string): object {
  const { timeToLiveAttribute: AttributeName } = named(store, name);
  const description = AttributeName ? { TimeToLiveStatus: 'ENABLED', AttributeName } : { TimeToLiveStatus: 'DISABLED' };
  return { TimeToLiveDescription: description };
}

function named(store: ItemStore, name: string): TableRecord {
  const table = store.find(name);
  if (!table) throw resourceNotFound(`Table: ${name} not found`);
  return table;
}
