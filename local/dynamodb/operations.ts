/** The operations by name, with the faults that tests switch on. */
import type { z } from 'zod';
import { type Operation, operation } from '../protocol/json.ts';
import type { Environment } from '../service.ts';
import type { FaultSwitch } from './faults.ts';
import { Input, ListTablesInput, TableName, TimeToLiveInput, TransactGetInput, TransactWriteInput } from './input.ts';
import type { ItemStore } from './item-store.ts';
import { query, scan } from './query-operations.ts';
import { batchGet, getOne } from './read-operations.ts';
import {
  createTable,
  deleteTable,
  describe,
  describeTimeToLive,
  listTables,
  updateTimeToLive,
} from './table-operations.ts';
import { transactGet, transactWrite } from './transactions.ts';
import { batchWrite, writeOne } from './write-operations.ts';

type Place = Pick<Environment, 'account' | 'region' | 'clock'>;

/** Each runs without a pause from the first read to the last write: no two requests overlap. */
export function dynamoDbOperations(
  store: ItemStore,
  place: Place,
  faults: FaultSwitch,
): Readonly<Record<string, Operation>> {
  const control = <Shape>(shape: z.ZodType<Shape>, run: (input: Shape) => object): Operation =>
    operation(shape, (input) => {
      faults.checkAvailable();
      return run(input);
    });
  const read = <Shape>(shape: z.ZodType<Shape>, run: (input: Shape) => object): Operation =>
    control(shape, (input) => {
      faults.checkThroughput();
      return run(input);
    });
  const write = <Shape>(shape: z.ZodType<Shape>, run: (input: Shape) => object): Operation =>
    read(shape, (input) => {
      const answer = run(input);
      faults.checkAnswer();
      return answer;
    });
  return {
    BatchGetItem: read(Input, (input) => batchGet(store, input)),
    BatchWriteItem: write(Input, (input) => batchWrite(store, input)),
    CreateTable: control(Input, (input) => createTable(store, place, input)),
    DeleteItem: write(Input, (input) => writeOne(store, 'Delete', input)),
    DeleteTable: control(TableName, (input) => deleteTable(store, input.TableName)),
    DescribeTable: control(TableName, (input) => describe(store, input.TableName)),
    DescribeTimeToLive: control(TableName, (input) => describeTimeToLive(store, input.TableName)),
    GetItem: read(Input, (input) => getOne(store, input)),
    ListTables: control(ListTablesInput, (input) => listTables(store, input)),
    PutItem: write(Input, (input) => writeOne(store, 'Put', input)),
    Query: read(Input, (input) => query(store, input)),
    Scan: read(Input, (input) => scan(store, input)),
    TransactGetItems: read(TransactGetInput, (input) => transactGet(store, input)),
    TransactWriteItems: write(TransactWriteInput, (input) => {
      faults.checkConflict(input.TransactItems.length);
      return transactWrite(store, place.clock, input);
    }),
    UpdateItem: write(Input, (input) => writeOne(store, 'Update', input)),
    UpdateTimeToLive: control(TimeToLiveInput, (input) => updateTimeToLive(store, input)),
  };
}
