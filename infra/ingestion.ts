/**
 * Ingestion: what is dropped into the raw bucket, what is asked for, and what users send as messages goes through two queues
 * to one function, which puts it on the stream. What cannot be taken in ends in one dead-letter queue.
 */
import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { PULLED_PREFIX } from '../schemas/check-schedules.ts';
import { acknowledge } from './acknowledge.ts';
import { DROP_PREFIX, NAMES, objectArn, objectArnFinding } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Settings } from './settings.ts';
import type { StateTable } from './state-table.ts';

export interface IngestionProps {
  readonly settings: Settings;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly raw: IBucket;
  readonly lakeKey: IKey;
  readonly stream: IStream;
  readonly streamKey: IKey;
  readonly stateTable: StateTable;
  /** Dataset of what names none. */
  readonly defaultDataset: string;
}

/** As long as Lambda allows: a run that takes longer goes on with the next invocation. */
const TIMEOUT = Duration.minutes(15);
/**
 * Six times the function's timeout, as Lambda advises: lambda/latest/dg/services-sqs-configure.html
 * What the function itself reports as failed comes again sooner, since it says so.
 */
const VISIBILITY_TIMEOUT = Duration.seconds(6 * TIMEOUT.toSeconds());
const RECEIVES_MAX = 5;
const KEPT = Duration.days(7);
/**
 * The longest that SQS keeps a message. A dead letter is as old as it was in its first queue, so that one has to keep them
 * for longer than the other: AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
 */
const DEAD_LETTERS_KEPT = Duration.days(14);
/** A message of users is at most 1 MiB, and a payload of Lambda 6 MB. */
const MESSAGES_A_BATCH = 10;

/** Documents that schedules pulled: infra/schedules.ts. */
const PULLED = `${PULLED_PREFIX}*`;

export class Ingestion extends Construct {
  /** Takes events of dropped objects, and requests for runs. */
  readonly runsQueue: Queue;
  /** Takes messages of users. */
  readonly ingestQueue: Queue;
  /** Gets what of these could not be taken in. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, props: IngestionProps) {
    super(scope, id);
    const { settings, raw } = props;
    const encrypted = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      ...encrypted,
      queueName: NAMES.deadLetterQueue,
      retentionPeriod: DEAD_LETTERS_KEPT,
    });
    const queueProps = {
      ...encrypted,
      retentionPeriod: KEPT,
      visibilityTimeout: VISIBILITY_TIMEOUT,
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: RECEIVES_MAX },
    };
    this.runsQueue = new Queue(this, 'RunsQueue', { ...queueProps, queueName: NAMES.runsQueue });
    this.ingestQueue = new Queue(this, 'IngestQueue', { ...queueProps, queueName: NAMES.ingestQueue });
    new Rule(this, 'Dropped', {
      description: `Objects dropped below ${DROP_PREFIX} of the raw bucket`,
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [raw.bucketName] }, object: { key: [{ prefix: DROP_PREFIX }] } },
      },
      // Gets what EventBridge could not bring to the queue within a day: eventbridge/latest/userguide/eb-rule-dlq.html
      targets: [new SqsQueue(this.runsQueue, { deadLetterQueue: this.deadLetterQueue })],
    });
    const made = new PipelineFunction(this, 'Ingestion', {
      functionName: NAMES.ingestionFunction,
      description: 'Puts dropped objects, requested runs and messages of users on the stream',
      handler: 'ingestion',
      bundles: props.bundles,
      memory: settings.ingestion.memory,
      timeout: TIMEOUT,
      environment: {
        RAW_BUCKET: raw.bucketName,
        RUNS_QUEUE_URL: this.runsQueue.queueUrl,
        INGEST_QUEUE_URL: this.ingestQueue.queueUrl,
        STREAM_NAME: props.stream.streamName,
        STATE_TABLE: props.stateTable.tableName,
        DEFAULT_DATASET: props.defaultDataset,
        BATCH_SIZE: String(settings.ingestion.chunkRecordsMax),
        OBJECT_BYTES_MAX: String(settings.ingestion.objectSizeMax.toBytes()),
      },
      statements: this.#statements(props),
      // Each invocation goes on from where the one before has ended, and a run that does not get on ends with an error.
      handsOnToItself: true,
      settings,
    });
    acknowledge(made.role, {
      [objectArnFinding('raw', PULLED)]: 'Keys name the schedule and the time of a pull, below one prefix',
      [objectArnFinding('raw', '*')]:
        'Keys are chosen by those who drop objects: any object of this bucket may be read',
    });
    const mapping = { reportBatchItemFailures: true, maxConcurrency: settings.ingestion.concurrencyMax };
    // A run takes what time there is: one an invocation, so that nothing waits behind it, or comes again with it.
    made.function.addEventSource(new SqsEventSource(this.runsQueue, { ...mapping, batchSize: 1 }));
    made.function.addEventSource(new SqsEventSource(this.ingestQueue, { ...mapping, batchSize: MESSAGES_A_BATCH }));
  }

  #statements({ raw, lakeKey, stream, streamKey, stateTable }: IngestionProps): PolicyStatement[] {
    return [
      new PolicyStatement({
        sid: 'TakeMessages',
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
        resources: [this.runsQueue.queueArn, this.ingestQueue.queueArn],
      }),
      new PolicyStatement({ sid: 'RequestRuns', actions: ['sqs:SendMessage'], resources: [this.runsQueue.queueArn] }),
      new PolicyStatement({
        sid: 'ReadObjects',
        actions: ['s3:GetObject', 's3:GetObjectVersion'],
        resources: [objectArn('raw', '*')],
      }),
      // Without it a missing object looks like one that may not be read.
      new PolicyStatement({ sid: 'ListObjects', actions: ['s3:ListBucket'], resources: [raw.bucketArn] }),
      new PolicyStatement({
        sid: 'KeepPulledDocuments',
        actions: ['s3:PutObject'],
        resources: [objectArn('raw', PULLED)],
      }),
      new PolicyStatement({
        sid: 'DecryptAndEncryptObjects',
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [lakeKey.keyArn],
      }),
      new PolicyStatement({ sid: 'PutRecords', actions: ['kinesis:PutRecords'], resources: [stream.streamArn] }),
      // Of producers: streams/latest/dev/permissions-user-key-KMS.html
      new PolicyStatement({ sid: 'EncryptRecords', actions: ['kms:GenerateDataKey'], resources: [streamKey.keyArn] }),
      ...stateTable.writeStatements(),
    ];
  }
}
