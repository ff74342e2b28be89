/** The pipelines API: routes below `/pipelines` of the REST API, and the function that answers them. */
import { Duration } from 'aws-cdk-lib';
import { LambdaIntegration, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { IdempotencyTable } from './idempotency-table.ts';
import { NAMES, objectArn, objectArnFinding } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Settings } from './settings.ts';
import type { StateTable } from './state-table.ts';

export interface OrchestratorProps {
  readonly settings: Settings;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly restApi: RestApi;
  readonly raw: IBucket;
  readonly stream: IStream;
  readonly streamKey: IKey;
  readonly runsQueue: IQueue;
  readonly stateTable: StateTable;
  readonly idempotencyTable: IdempotencyTable;
  /** Dataset of records that name none. */
  readonly defaultDataset: string;
}

/** As long as API Gateway waits by default: apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html */
const TIMEOUT = Duration.seconds(29);

export class Orchestrator extends Construct {
  constructor(scope: Construct, id: string, props: OrchestratorProps) {
    super(scope, id);
    const { settings } = props;
    const made = new PipelineFunction(this, 'Orchestrator', {
      functionName: NAMES.orchestratorFunction,
      description: 'Answers the pipelines API: makes, feeds, stops, shows and lists runs',
      handler: 'orchestrator',
      bundles: props.bundles,
      memory: settings.orchestrator.memory,
      timeout: TIMEOUT,
      environment: {
        RAW_BUCKET: props.raw.bucketName,
        RUNS_QUEUE_URL: props.runsQueue.queueUrl,
        STREAM_NAME: props.stream.streamName,
        STATE_TABLE: props.stateTable.tableName,
        IDEMPOTENCY_TABLE: props.idempotencyTable.tableName,
        DEFAULT_DATASET: props.defaultDataset,
        BATCH_SIZE: String(settings.ingestion.chunkRecordsMax),
      },
      statements: statements(props),
      settings,
    });
    acknowledge(made.role, {
      [objectArnFinding('raw', '*')]:
        'Keys are chosen by those who drop objects: the version of any object of this bucket may be asked for',
    });
    // The function knows its resources and methods, and says of any other what is allowed instead.
    const integration = new LambdaIntegration(made.function, { allowTestInvoke: false });
    const pipelines = props.restApi.root.addResource('pipelines');
    for (const resource of [pipelines, pipelines.addResource('{proxy+}')]) resource.addMethod('ANY', integration);
  }
}

function statements(props: OrchestratorProps): PolicyStatement[] {
  const { raw, stream, streamKey, runsQueue, stateTable, idempotencyTable } = props;
  return [
    ...stateTable.writeStatements({ byStatus: true }),
    idempotencyTable.statement(),
    new PolicyStatement({ sid: 'RequestRuns', actions: ['sqs:SendMessage'], resources: [runsQueue.queueArn] }),
    // To ask for the version of an object: HEAD needs no more, and of an object that is not there the right to list.
    new PolicyStatement({ sid: 'FindObjects', actions: ['s3:GetObject'], resources: [objectArn('raw', '*')] }),
    new PolicyStatement({ sid: 'ListObjects', actions: ['s3:ListBucket'], resources: [raw.bucketArn] }),
    new PolicyStatement({ sid: 'PutRecords', actions: ['kinesis:PutRecords'], resources: [stream.streamArn] }),
    // Of producers: streams/latest/dev/permissions-user-key-KMS.html
    new PolicyStatement({ sid: 'EncryptRecords', actions: ['kms:GenerateDataKey'], resources: [streamKey.keyArn] }),
  ];
}
