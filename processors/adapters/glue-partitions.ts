/** Registers partitions by Glue's BatchCreatePartition: the table's storage, at the partition's place. */
import {
  BatchCreatePartitionCommand,
  GetTableCommand,
  type GlueClient,
  type StorageDescriptor,
} from '@aws-sdk/client-glue';
import type { PartitionsPort } from '../catalog.ts';
import type { TablePartition } from '../partition-of-key.ts';

/** glue/latest/webapi/API_BatchCreatePartition.html */
const PARTITIONS_PER_CALL_MAX = 100;

export function createGluePartitions(client: GlueClient, database: string): PartitionsPort {
  const storages = new Map<string, Promise<StorageDescriptor>>();

  async function storageOf(table: string): Promise<StorageDescriptor> {
    const { Table } = await client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
    if (!Table?.StorageDescriptor) throw new Error(`table ${database}.${table} has no StorageDescriptor`);
    return Table.StorageDescriptor;
  }

  async function create(table: string, partitions: readonly TablePartition[], failures: Map<string, string>) {
    let storage = storages.get(table);
    if (!storage) {
      storage = storageOf(table);
      storages.set(table, storage);
      // A failure must not be remembered: the next message asks again.
      storage.catch(() => storages.delete(table));
    }
    const descriptor = await storage;
    const reply = await client.send(
      new BatchCreatePartitionCommand({
        DatabaseName: database,
        TableName: table,
        PartitionInputList: partitions.map(({ values, location }) => ({
          Values: [...values],
          StorageDescriptor: { ...descriptor, Location: location },
        })),
      }),
    );
    for (const { PartitionValues = [], ErrorDetail } of reply.Errors ?? []) {
      if (ErrorDetail?.ErrorCode === 'AlreadyExistsException') continue;
      const failed = partitions.find(({ values }) => values.join('/') === PartitionValues.join('/'));
      if (failed) failures.set(failed.location, `${ErrorDetail?.ErrorCode}: ${ErrorDetail?.ErrorMessage}`);
    }
  }

  return {
    async register(table, partitions) {
      const failures = new Map<string, string>();
      for (let start = 0; start < partitions.length; start += PARTITIONS_PER_CALL_MAX) {
        const some = partitions.slice(start, start + PARTITIONS_PER_CALL_MAX);
        try {
          await create(table, some, failures);
        } catch (error) {
          const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
          for (const { location } of some) failures.set(location, reason);
        }
      }
      return failures;
    },
  };
}
