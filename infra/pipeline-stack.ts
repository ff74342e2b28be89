/** What moves data and accounts for it: the API, ingestion, processor, tape, delivery, landing, the books, the workgroup. */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Dataset } from '../schemas/dataset.ts';
import { Api } from './api.ts';
import { Delivery } from './delivery.ts';
import { Ingestion } from './ingestion.ts';
import { Landing } from './landing.ts';
import { Ledger } from './ledger.ts';
import { Orchestrator } from './orchestrator.ts';
import { Processor } from './processor.ts';
import { Query } from './query.ts';
import { Reconcile } from './reconcile.ts';
import { Redrive } from './redrive.ts';
import { Schedules } from './schedules.ts';
import type { Settings } from './settings.ts';
import type { StatefulStack } from './stateful-stack.ts';
import { Tape } from './tape.ts';

export interface PipelineStackProps extends StackProps {
  readonly settings: Settings;
  readonly stateful: StatefulStack;
  /** Each has its routes in the API. */
  readonly datasets: readonly Dataset[];
  readonly defaultDataset: string;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
}

export class PipelineStack extends Stack {
  constructor(scope: Construct, id: string, props: PipelineStackProps) {
    super(scope, id, props);
    const { settings, stateful, bundles } = props;
    this.addStackDependency(stateful, 'Firehose looks for the table when its delivery stream is made');
    const { buckets, encryption, catalog, recordStream, stateTable } = stateful;

    const deliveries = catalog.tables.map(
      (table) =>
        new Delivery(this, `Delivery-${table.name}`, {
          table,
          bucket: buckets.processed,
          key: encryption.lakeKey,
          settings,
        }),
    );
    const deliveryStreamArns = deliveries.map(({ deliveryStreamArn }) => deliveryStreamArn);
    const tables = catalog.tables.map(({ name }) => name);
    const shared = {
      settings,
      bundles,
      stream: recordStream.stream,
      streamKey: encryption.streamKey,
      archive: buckets.archive,
      lakeKey: encryption.lakeKey,
      stateTable,
    };
    new Processor(this, 'Processor', { ...shared, defaultDataset: props.defaultDataset, deliveryStreamArns });
    const taking = { ...shared, raw: buckets.raw, defaultDataset: props.defaultDataset };
    const { runsQueue, deadLetterQueue } = new Ingestion(this, 'Ingestion', taking);
    new Schedules(this, 'Schedules', { datasets: props.datasets, runsQueue, deadLetterQueue });
    new Tape(this, 'Tape', shared);
    new Ledger(this, 'Ledger', shared);
    new Landing(this, 'Landing', { ...shared, processed: buckets.processed, tables });
    const { workGroupName } = new Query(this, 'Query', {
      archive: buckets.archive,
      key: encryption.lakeKey,
      settings: settings.query,
      deletable: settings.removalPolicy === RemovalPolicy.DESTROY,
    });
    const books = { ...shared, processed: buckets.processed, tables };
    new Reconcile(this, 'Reconcile', { ...books, workGroupName, defaultDataset: props.defaultDataset });
    new Redrive(this, 'Redrive', { ...books, deliveryStreamArns });
    const api = new Api(this, 'Api', { ...shared, datasets: props.datasets });
    const { idempotencyTable } = stateful;
    new Orchestrator(this, 'Orchestrator', { ...taking, restApi: api.restApi, runsQueue, idempotencyTable });
    new CfnOutput(this, 'ApiUrl', { value: api.url });
    new CfnOutput(this, 'WorkGroupName', { value: workGroupName });
  }
}
