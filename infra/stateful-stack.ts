/** What holds data or names it: keys, buckets, the stream, the catalog and the state table. Deleted and replaced with care. */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Dataset } from '../schemas/dataset.ts';
import { Buckets } from './buckets.ts';
import { Catalog } from './catalog.ts';
import { Encryption } from './encryption.ts';
import { IdempotencyTable } from './idempotency-table.ts';
import type { Settings } from './settings.ts';
import { StateTable } from './state-table.ts';
import { RecordStream } from './stream.ts';

export interface StatefulStackProps extends StackProps {
  readonly settings: Settings;
  readonly datasets: readonly Dataset[];
}

export class StatefulStack extends Stack {
  readonly encryption: Encryption;
  readonly buckets: Buckets;
  readonly recordStream: RecordStream;
  readonly catalog: Catalog;
  readonly idempotencyTable: IdempotencyTable;
  readonly stateTable: StateTable;

  constructor(scope: Construct, id: string, props: StatefulStackProps) {
    super(scope, id, props);
    const { settings, datasets } = props;
    const { removalPolicy } = settings;
    this.encryption = new Encryption(this, 'Encryption', { removalPolicy });
    this.buckets = new Buckets(this, 'Buckets', { settings, key: this.encryption.lakeKey, removalPolicy });
    this.recordStream = new RecordStream(this, 'RecordStream', {
      key: this.encryption.streamKey,
      settings: settings.stream,
      removalPolicy,
    });
    this.catalog = new Catalog(this, 'Catalog', { datasets, bucket: this.buckets.processed, removalPolicy });
    this.idempotencyTable = new IdempotencyTable(this, 'Idempotency', { key: this.encryption.stateKey });
    this.stateTable = new StateTable(this, 'State', {
      key: this.encryption.stateKey,
      removalPolicy,
      after: [this.encryption, this.buckets, this.recordStream, this.catalog, this.idempotencyTable],
    });

    new CfnOutput(this, 'StreamName', { value: this.recordStream.stream.streamName });
    new CfnOutput(this, 'RawBucketName', { value: this.buckets.raw.bucketName });
    new CfnOutput(this, 'ProcessedBucketName', { value: this.buckets.processed.bucketName });
    new CfnOutput(this, 'ArchiveBucketName', { value: this.buckets.archive.bucketName });
    new CfnOutput(this, 'DatabaseName', { value: this.catalog.databaseName });
    new CfnOutput(this, 'StateTableName', { value: this.stateTable.tableName });
  }
}
