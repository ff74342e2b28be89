/** A table as it is kept: what CreateTable takes, and what the service adds. */
import { z } from 'zod';

const Name = z.string();
const KeySchema = z.array(z.object({ AttributeName: Name, KeyType: z.enum(['HASH', 'RANGE']) }));
/** CloudFormation may write numbers as text. */
const Units = z.coerce.number();
const Throughput = z.object({ ReadCapacityUnits: Units, WriteCapacityUnits: Units });
const Index = z.object({
  IndexName: Name,
  KeySchema,
  Projection: z.object({
    ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']).optional(),
    NonKeyAttributes: z.array(Name).optional(),
  }),
  ProvisionedThroughput: Throughput.optional(),
});

/** What CreateTable takes and is kept here; the template says the same in the same words. */
export const TableDefinition = z.object({
  TableName: Name,
  AttributeDefinitions: z.array(z.object({ AttributeName: Name, AttributeType: z.enum(['S', 'N', 'B']) })),
  KeySchema,
  GlobalSecondaryIndexes: z.array(Index).optional(),
  LocalSecondaryIndexes: z.array(Index).optional(),
  BillingMode: z.enum(['PROVISIONED', 'PAY_PER_REQUEST']).optional(),
  ProvisionedThroughput: Throughput.optional(),
});
export type TableDefinition = z.infer<typeof TableDefinition>;

export const TableRecord = TableDefinition.extend({
  arn: z.string(),
  id: z.string(),
  createdMs: z.number(),
  /** The attribute that holds an item's end, in epoch seconds; absent while time to live is disabled. */
  timeToLiveAttribute: Name.optional(),
});
export type TableRecord = z.infer<typeof TableRecord>;

/** The key with its types, such as `pk (S), sk (N)`. */
export function describeKey(table: TableDefinition): string {
  const type = (name: string) => table.AttributeDefinitions.find(({ AttributeName }) => AttributeName === name);
  return table.KeySchema.map(({ AttributeName }) => `${AttributeName} (${type(AttributeName)?.AttributeType})`).join(
    ', ',
  );
}

/** `TableDescription` of the API. Counts are those of now, where AWS brings them up to date every six hours. */
export function describeTable(table: TableRecord, size: { readonly items: number; readonly bytes: number }): object {
  const { arn, id, createdMs, timeToLiveAttribute: _kept, BillingMode, ...definition } = table;
  const onDemand = BillingMode === 'PAY_PER_REQUEST';
  const none = { ReadCapacityUnits: 0, WriteCapacityUnits: 0 };
  const indexes = (list: TableRecord['GlobalSecondaryIndexes'], status: object) =>
    list?.map((index) => ({ ...index, ...status, IndexArn: `${arn}/index/${index.IndexName}` }));
  return {
    ...definition,
    GlobalSecondaryIndexes: indexes(table.GlobalSecondaryIndexes, { IndexStatus: 'ACTIVE' }),
    LocalSecondaryIndexes: indexes(table.LocalSecondaryIndexes, {}),
    ProvisionedThroughput: { ...(table.ProvisionedThroughput ?? none), NumberOfDecreasesToday: 0 },
    ...(onDemand && { BillingModeSummary: { BillingMode } }),
    TableArn: arn,
    TableId: id,
    TableStatus: 'ACTIVE',
    CreationDateTime: createdMs / 1000,
    ItemCount: size.items,
    TableSizeBytes: size.bytes,
  };
}
