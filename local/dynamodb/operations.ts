/** The operations by name. */
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { type Operation, operation } from '../protocol/json.ts';
import type { Environment } from '../service.ts';
import { transactionCanceled } from './dynamodb-error.ts';
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

/** Operations of which a part can fail: entries, and actions of a transaction that meet another one. */
export const BATCHES = ['BatchGetItem', 'BatchWriteItem', 'TransactWriteItems'];

type Place = Pick<Environment, 'account' | 'region' | 'clock'>;

/** Each runs without a pause from the first read to the last write: no two requests overlap. */
export function dynamoDbOperations(
  store: ItemStore,
  place: Place,
  faults: FaultSwitch,
): Readonly<Record<string, Operation>> {
  return {
    BatchGetItem: operation(Input, (input) => batchGet(store, input, () => faults.rejects('BatchGetItem'))),
    BatchWriteItem: operation(Input, (input) => batchWrite(store, input, () => faults.rejects('BatchWriteItem'))),
    CreateTable: operation(Input, (input) => createTable(store, place, input)),
    DeleteItem: operation(Input, (input) => writeOne(store, 'Delete', input)),
    DeleteTable: operation(TableName, (input) => deleteTable(store, input.TableName)),
    DescribeTable: operation(TableName, (input) => describe(store, input.TableName)),
    DescribeTimeToLive: operation(TableName, (input) => describeTimeToLive(store, input.TableName)),
    GetItem: operation(Input, (input) => getOne(store, input)),
    ListTables: operation(ListTablesInput, (input) => listTables(store, input)),
    PutItem: operation(Input, (input) => writeOne(store, 'Put', input)),
    Query: operation(Input, (input) => query(store, input)),
    Scan: operation(Input, (input) => scan(store, input)),
    TransactGetItems: operation(TransactGetInput, (input) => transactGet(store, input)),
    TransactWriteItems: operation(TransactWriteInput, (input) => {
      meetOthers(input.TransactItems, faults);
      return transactWrite(store, place.clock, input);
    }),
    UpdateItem: operation(Input, (input) => writeOne(store, 'Update', input)),
    UpdateTimeToLive: operation(TimeToLiveInput, (input) => updateTimeToLive(store, input)),
  };
}

/** @throws AwsError `TransactionCanceledException` when another transaction is to be at work on an item */
function meetOthers(actions: readonly unknown[], faults: FaultSwitch): void {
  const met = { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' };
  const reasons = actions.map(() => (faults.rejects('TransactWriteItems') ? met : { Code: 'None' }));
  if (reasons.includes(met)) throw transactionCanceled(reasons);
}
