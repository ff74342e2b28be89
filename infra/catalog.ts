/**
 * The Glue database with a table a dataset, `failed_events`, and the view over all datasets. Partitions are registered
 * when their first object lands, so tables have no partition projection.
 */
import { Aws, type RemovalPolicy } from 'aws-cdk-lib';
import { CfnTable, type Column, Database, DataFormat, S3Table, S3TableStorage, Schema } from 'aws-cdk-lib/aws-glue';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { FAILED_EVENTS_COLUMNS, PARTITION_KEYS, PIPELINE_COLUMNS } from '../schemas/columns.ts';
import type { Dataset, Column as DatasetColumn, PartitionGranularity } from '../schemas/dataset.ts';
import { NAMES } from './names.ts';
import { prestoView } from './presto-view.ts';

export interface CatalogProps {
  readonly datasets: readonly Dataset[];
  /** Holds every table, below `<table>/`. */
  readonly bucket: IBucket;
  /** Of the database. Tables go with their dataset: they hold no rows, and can be made again from the objects. */
  readonly removalPolicy: RemovalPolicy;
}

/** A table and what its delivery stream needs to know of it. */
export interface DeliveredTable {
  readonly name: string;
  readonly resource: CfnTable;
  readonly partition: PartitionGranularity;
  /** Datasets are partitioned by the time of the event, `failed_events` by that of its arrival. */
  readonly partitionedBy: 'event' | 'arrival';
}

export class Catalog extends Construct {
  readonly databaseName: string;
  readonly tables: readonly DeliveredTable[];

  constructor(scope: Construct, id: string, { datasets, bucket, removalPolicy }: CatalogProps) {
    super(scope, id);
    const database = new Database(this, 'Database', {
      databaseName: NAMES.database,
      description: 'What the data pipeline delivered',
      removalPolicy,
    });
    this.databaseName = database.databaseName;

    const table = (name: string, columns: readonly DatasetColumn[], partition: PartitionGranularity, about: string) => {
      const made = new S3Table(this, `Table-${name}`, {
        database,
        tableName: name,
        description: about,
        columns: columns.map(glueColumn),
        partitionKeys: PARTITION_KEYS[partition].map(glueColumn),
        dataFormat: DataFormat.PARQUET,
        storage: S3TableStorage.fromBucket(bucket),
        s3Prefix: `${name}/`,
        // Means encryption by the client; S3's own is transparent to readers.
        hasEncryptedData: false,
      });
      const resource = made.node.defaultChild;
      if (!(resource instanceof CfnTable)) throw new TypeError(`${made.node.path}: no CfnTable behind the table`);
      return { name, resource, partition };
    };
    this.tables = [
      ...datasets.map(({ name, columns, definition }) => ({
        ...table(
          name,
          columns,
          definition.partition,
          `Delivered ${name}, by day${definition.partition === 'hour' ? ' and hour' : ''} of the event`,
        ),
        partitionedBy: 'event' as const,
      })),
      {
        ...table(
          NAMES.failedEvents,
          FAILED_EVENTS_COLUMNS,
          'hour',
          'Quarantined records with their reason, by day and hour of arrival',
        ),
        partitionedBy: 'arrival' as const,
      },
    ];
    this.addView(datasets);
  }

  private addView(datasets: readonly Dataset[]): void {
    const view = new CfnTable(this, 'View', {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: prestoView({
        name: NAMES.view,
        database: NAMES.database,
        tables: datasets.map(({ name }) => name),
        columns: [...PIPELINE_COLUMNS, ...PARTITION_KEYS.day],
      }),
    });
    for (const { resource } of this.tables) view.addResourceDependency(resource);
  }
}

function glueColumn({ name, type, comment }: DatasetColumn): Column {
  return { name, type: Schema.custom(type), comment };
}
