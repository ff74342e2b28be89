/**
 * What happens when an object appears: its event goes through a queue to the Catalog function, which registers the partition
 * of an object of a table and counts its rows, and enters in the books what Firehose could not deliver and what Lambda gave
 * up. A queue, because one flush writes an object a partition: one invocation takes up to a batch of them.
 */
import { Duration, Size } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { ARCHIVE_PREFIXES, type BucketKind, glueArn, NAMES, objectArn, objectArnFinding } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Settings } from './settings.ts';
import type { StateTable } from './state-table.ts';

export interface LandingProps {
  readonly settings: Settings;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly processed: IBucket;
  readonly archive: IBucket;
  readonly lakeKey: IKey;
  readonly stateTable: StateTable;
  /** Tables whose objects lie below `<table>/`, and what could not be delivered below `errors/<table>/`. */
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
  constructor(scope: Construct, id: string, props: LandingProps) {
    super(scope, id);
    const { settings, bundles, processed, archive, tables } = props;
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
      description: 'Objects of tables and what could not be delivered; batches of the stream that were given up',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [processed.bucketName, archive.bucketName] },
          // A prefix of one bucket has no objects in the other.
          object: {
            key: [
              ...tables.flatMap((table) => [{ prefix: `${table}/` }, { prefix: `errors/${table}/` }]),
              { prefix: ARCHIVE_PREFIXES.onFailure },
            ],
          },
        },
      },
      // Gets what EventBridge could not bring to the queue within a day: eventbridge/latest/userguide/eb-rule-dlq.html
      targets: [new SqsQueue(queue, { deadLetterQueue })],
    });
    const made = new PipelineFunction(this, 'Catalog', {
      functionName: NAMES.catalogFunction,
      description: 'Registers partitions, counts what has landed, and enters what was parked or not delivered',
      handler: 'catalog',
      bundles,
      // Eight footers at once, or one document of what was given up; memory is also for loading the bundle quickly.
      memory: Size.mebibytes(512),
      timeout: TIMEOUT,
      environment: {
        DATABASE_NAME: NAMES.database,
        PROCESSED_BUCKET: processed.bucketName,
        ARCHIVE_BUCKET: archive.bucketName,
        STATE_TABLE: props.stateTable.tableName,
        TAPE_FUNCTION: NAMES.tapeFunction,
      },
      statements: statements(queue, props),
      settings,
    });
    const reason = 'Firehose and Lambda name their objects by time and a random part, below the prefixes that are read';
    acknowledge(
      made.role,
      Object.fromEntries(readObjects(tables).map(([kind, keys]) => [objectArnFinding(kind, keys), reason])),
    );
    made.function.addEventSource(
      new SqsEventSource(queue, {
        batchSize: settings.catalog.batchSize,
        maxBatchingWindow: settings.catalog.batchingWindow,
        reportBatchItemFailures: true,
      }),
    );
  }
}

/** Objects that the Catalog function reads. */
function readObjects(tables: readonly string[]): (readonly [BucketKind, keys: string])[] {
  return [
    ...tables.flatMap((table) => [['processed', `${table}/*`] as const, ['processed', `errors/${table}/*`] as const]),
    ['archive', `${ARCHIVE_PREFIXES.onFailure}*`],
  ];
}

function statements(queue: Queue, { tables, lakeKey, stateTable }: LandingProps): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'TakeMessages',
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
      resources: [queue.queueArn],
    }),
    new PolicyStatement({
      sid: 'RegisterPartitions',
      actions: ['glue:GetTable', 'glue:CreatePartition', 'glue:BatchCreatePartition'],
      resources: [
        glueArn('catalog'),
        glueArn(`database/${NAMES.database}`),
        ...tables.map((table) => glueArn(`table/${NAMES.database}/${table}`)),
      ],
    }),
    new PolicyStatement({
      sid: 'ReadObjects',
      actions: ['s3:GetObject'],
      resources: readObjects(tables).map(([kind, keys]) => objectArn(kind, keys)),
    }),
    new PolicyStatement({ sid: 'DecryptObjects', actions: ['kms:Decrypt'], resources: [lakeKey.keyArn] }),
    ...stateTable.writeStatements(),
  ];
}
