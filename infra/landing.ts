/**
 * What happens when a Parquet object lands: its event goes through a queue to the Catalog function, which registers the
 * partition. A queue, because one flush writes an object a partition: one invocation takes up to a batch of them.
 */
import { Duration, Size } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { glueArn, NAMES } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Settings } from './settings.ts';

export interface LandingProps {
  readonly settings: Settings;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly bucket: IBucket;
  /** Tables whose objects lie below `<table>/`. */
  readonly tables: readonly string[];
}

const TIMEOUT = Duration.seconds(60);
/** Six times the function's timeout, as Lambda advises: lambda/latest/dg/services-sqs-configure.html */
const VISIBILITY_TIMEOUT = Duration.seconds(6 * TIMEOUT.toSeconds());
/** At least 5, so that throttled invocations do not end in the dead-letter queue: the same page. */
const RECEIVES_MAX = 5;
/** The longest that SQS keeps a message: SQS API, SetQueueAttributes. */
const DEAD_LETTERS_KEPT = Duration.days(14);

export class Landing extends Construct {
  constructor(scope: Construct, id: string, { settings, bundles, bucket, tables }: LandingProps) {
    super(scope, id);
    const queueProps = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    const deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      ...queueProps,
      queueName: NAMES.landedDeadLetterQueue,
      retentionPeriod: DEAD_LETTERS_KEPT,
    });
    const queue = new Queue(this, 'Queue', {
      ...queueProps,
      queueName: NAMES.landedQueue,
      visibilityTimeout: VISIBILITY_TIMEOUT,
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: RECEIVES_MAX },
    });
    new Rule(this, 'Landed', {
      description: 'Objects of tables, not of errors/, in the processed bucket',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [bucket.bucketName] },
          object: { key: tables.map((table) => ({ prefix: `${table}/` })) },
        },
      },
      targets: [new SqsQueue(queue)],
    });
    const made = new PipelineFunction(this, 'Catalog', {
      functionName: NAMES.catalogFunction,
      description: 'Registers the partitions of objects that have landed',
      handler: 'catalog',
      bundles,
      // A client call or two a batch; memory is for loading the bundle quickly.
      memory: Size.mebibytes(512),
      timeout: TIMEOUT,
      environment: { DATABASE_NAME: NAMES.database, PROCESSED_BUCKET: bucket.bucketName },
      statements: statements(queue, tables),
      settings,
    });
    made.function.addEventSource(
      new SqsEventSource(queue, {
        batchSize: settings.catalog.batchSize,
        maxBatchingWindow: settings.catalog.batchingWindow,
        reportBatchItemFailures: true,
      }),
    );
  }
}

function statements(queue: Queue, tables: readonly string[]): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'TakeMessages',
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
      resources: [queue.queueArn],
    }),
    new PolicyStatement({
      sid: 'RegisterPartitions',
      actions: ['glue:GetTable', 'glue:GetPartition', 'glue:CreatePartition', 'glue:BatchCreatePartition'],
      resources: [
        glueArn('catalog'),
        glueArn(`database/${NAMES.database}`),
        ...tables.map((table) => glueArn(`table/${NAMES.database}/${table}`)),
      ],
    }),
  ];
}
