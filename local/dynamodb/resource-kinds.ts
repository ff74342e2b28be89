/**
 * Tables as a template declares them: `AWS::DynamoDB::Table`, and `AWS::DynamoDB::GlobalTable` with one replica, which is
 * what CDK's `TableV2` makes.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
 */
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Environment, Identity, Properties, ResourceContext, ResourceKind } from '../service.ts';
import type { Input } from './input.ts';
import type { ItemStore } from './item-store.ts';
import { checkDefinition, newTable, tableArn, tableId } from './table-operations.ts';
import { describeKey, TableDefinition, type TableRecord } from './table-record.ts';

const NAME_CHARACTERS_MAX = 255;

const TableProperties = TableDefinition.extend({
  TableName: z.string().optional(),
  TimeToLiveSpecification: z.object({ Enabled: z.boolean(), AttributeName: z.string().optional() }).optional(),
});

const BACKUPS = 'nothing is backed up locally';
const METRICS = 'metrics are not kept locally';
const UNLIMITED = 'throughput is not limited locally';
const ENCRYPTION = 'nothing is encrypted locally';
const ACCESS = 'access is not checked locally';
const TAGS = 'no operation that is served locally reads them';
const PROTECTION = 'no deployment deletes a table locally; DeleteTable does not ask';
const STORAGE = 'storage has no classes locally';

const INERT_TABLE = {
  ContributorInsightsSpecification: METRICS,
  DeletionProtectionEnabled: PROTECTION,
  OnDemandThroughput: UNLIMITED,
  PointInTimeRecoverySpecification: BACKUPS,
  ResourcePolicy: ACCESS,
  SSESpecification: ENCRYPTION,
  TableClass: STORAGE,
  Tags: TAGS,
  WarmThroughput: UNLIMITED,
};

const INERT_GLOBAL_TABLE = {
  SSESpecification: ENCRYPTION,
  WarmThroughput: UNLIMITED,
  WriteOnDemandThroughputSettings: UNLIMITED,
  ReadOnDemandThroughputSettings: UNLIMITED,
};

/** Members of a replica: none has an effect but its region. A stream of changes is refused. */
const Replica = z.strictObject({
  Region: z.string(),
  ContributorInsightsSpecification: z.unknown().optional(),
  DeletionProtectionEnabled: z.unknown().optional(),
  GlobalSecondaryIndexes: z.unknown().optional(),
  PointInTimeRecoverySpecification: z.unknown().optional(),
  ReadOnDemandThroughputSettings: z.unknown().optional(),
  ResourcePolicy: z.unknown().optional(),
  SSESpecification: z.unknown().optional(),
  TableClass: z.unknown().optional(),
  Tags: z.unknown().optional(),
});

const GlobalTableProperties = TableProperties.omit({ ProvisionedThroughput: true }).extend({
  // CloudFormation's default is PROVISIONED.
  BillingMode: z.literal('PAY_PER_REQUEST', 'is PAY_PER_REQUEST locally'),
  Replicas: z.array(Replica).length(1, 'has one replica locally'),
});

/** @throws Error with what is wrong, what was received and what is allowed, when a table is made */
export function tableKinds(store: ItemStore, environment: Environment): readonly ResourceKind[] {
  const kind = (
    type: string,
    shape: { readonly shape: object },
    inert: Readonly<Record<string, string>>,
    parse: (properties: Properties, identity: Identity, context: ResourceContext) => z.infer<typeof TableProperties>,
  ): ResourceKind => ({
    type,
    executed: Object.keys(shape.shape),
    inert,
    identify: identifyTable,
    create: (properties, identity, context) => {
      const { TimeToLiveSpecification, ...definition } = parse(properties, identity, context);
      const timeToLive = TimeToLiveSpecification?.Enabled ? TimeToLiveSpecification.AttributeName : undefined;
      if (TimeToLiveSpecification?.Enabled && timeToLive === undefined)
        throw new Error(`Table ${identity.ref}: TimeToLiveSpecification.AttributeName is missing.`);
      makeTable(store, environment, { ...definition, TableName: identity.ref }, timeToLive);
    },
  });
  return [
    kind('AWS::DynamoDB::Table', TableProperties, INERT_TABLE, (properties, { ref }) =>
      parsed(TableProperties, executed(properties, INERT_TABLE), ref),
    ),
    kind('AWS::DynamoDB::GlobalTable', GlobalTableProperties, INERT_GLOBAL_TABLE, (properties, { ref }, { region }) => {
      const { Replicas, ...table } = parsed(GlobalTableProperties, executed(properties, INERT_GLOBAL_TABLE), ref);
      const [replica] = Replicas;
      if (replica?.Region === region) return table;
      throw new Error(`Table ${ref}: its replica is in ${replica?.Region}; the local runtime has ${region} only.`);
    }),
  ];
}

function executed(properties: Properties, inert: Readonly<Record<string, string>>): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !Object.hasOwn(inert, name)));
}

function parsed<Shape>(shape: z.ZodType<Shape>, properties: Properties, name: string): Shape {
  const result = shape.safeParse(properties);
  if (result.success) return result.data;
  throw new Error(`Table ${name}: ${describeIssues(result.error)}`);
}

export function identifyTable(properties: Properties, context: ResourceContext): Identity {
  const given = properties.TableName;
  const derived = `${context.stackName}-${context.logicalId}`.slice(0, NAME_CHARACTERS_MAX);
  const name = typeof given === 'string' ? given : derived;
  const arn = tableArn(context, name);
  return { ref: name, attributes: { Arn: arn, TableId: tableId(arn) } };
}

/** A table of that name keeps its items; indexes and time to live become those of the template. */
function makeTable(store: ItemStore, environment: Environment, input: Input, timeToLiveAttribute?: string): void {
  const made = newTable(definitionOf(input), environment);
  const name = made.TableName;
  const existing = store.find(name);
  const table: TableRecord = {
    ...made,
    createdMs: existing?.createdMs ?? made.createdMs,
    ...(timeToLiveAttribute !== undefined && { timeToLiveAttribute }),
  };
  if (existing && describeKey(existing) !== describeKey(table)) {
    throw new Error(
      `Table ${name} exists with the key ${describeKey(existing)}; the template declares ${describeKey(table)}. A ` +
        "table's key cannot change: give it another TableName, or start anew with --fresh.",
    );
  }
  if (JSON.stringify(existing) !== JSON.stringify(table)) store.putTable(table);
}

function definitionOf(input: Input): TableDefinition {
  try {
    return checkDefinition(input);
  } catch (error) {
    const message = Error.isError(error) ? error.message : String(error);
    throw new Error(`Table ${String(input.TableName)}: ${message}`, { cause: error });
  }
}
