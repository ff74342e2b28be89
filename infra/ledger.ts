/**
 * The ledger: once a minute a function folds the journal into it. One fold ends before the next begins, and two would be no
 * harm, since the cursor of a shard moves by compare-and-set. So no concurrency is reserved, which an account whose quota is
 * still the initial 10 could not deploy: lambda/latest/dg/configuration-concurrency.html
 */
import { Duration, Size } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import { Construct } from 'constructs';
import { NAMES } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Settings } from './settings.ts';
import type { StateTable } from './state-table.ts';

export interface LedgerProps {
  readonly settings: Settings;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly stream: IStream;
  readonly stateTable: StateTable;
}

const INTERVAL = Duration.minutes(1);

export class Ledger extends Construct {
  constructor(scope: Construct, id: string, { settings, bundles, stream, stateTable }: LedgerProps) {
    super(scope, id);
    const made = new PipelineFunction(this, 'Ledger', {
      functionName: NAMES.ledgerFunction,
      description: 'Folds the journal into the ledger',
      handler: 'ledger',
      bundles,
      memory: Size.mebibytes(512),
      timeout: INTERVAL,
      environment: { STATE_TABLE: stateTable.tableName, STREAM_NAME: stream.streamName },
      statements: [
        ...stateTable.writeStatements({ byStatus: true }),
        new PolicyStatement({
          sid: 'FindStream',
          actions: ['kinesis:DescribeStreamSummary'],
          resources: [stream.streamArn],
        }),
      ],
      settings,
    });
    new Rule(this, 'EveryMinute', {
      description: 'Folds the journal into the ledger',
      schedule: Schedule.rate(INTERVAL),
      targets: [new LambdaFunction(made.function)],
    });
  }
}
