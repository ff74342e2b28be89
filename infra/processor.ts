/**
 * The processor: the function that reads the stream, and its event source mapping. Nothing is lost by it: records are
 * tried again until they are nearly as old as the stream keeps them, bisected down to one, and what still ages out is
 * written with its payload to the archive bucket.
 */

import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IEventSourceDlq, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { ARCHIVE_PREFIXES, NAMES, objectArn, objectArnFinding } from './names.ts';
import { bundleVersion, PipelineFunction } from './pipeline-function.ts';
import type { Settings } from './settings.ts';
import type { StateTable } from './state-table.ts';

export interface ProcessorProps {
  readonly settings: Settings;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly stream: IStream;
  readonly streamKey: IKey;
  readonly archive: IBucket;
  readonly lakeKey: IKey;
  readonly stateTable: StateTable;
  /** The dataset of plain JSON, which names none. */
  readonly defaultDataset: string;
  readonly deliveryStreamArns: readonly string[];
}

/** lambda/latest/dg/services-kinesis-parameters.html */
const RECORD_AGE_SECONDS_MAX = 604_800;

const KEPT_OBJECTS = [`${ARCHIVE_PREFIXES.failedPayloads}*`, `${ARCHIVE_PREFIXES.onFailure}*`];

export class Processor extends Construct {
  /** @throws Error when the mapping would break what the books rely on, or lose records */
  constructor(scope: Construct, id: string, props: ProcessorProps) {
    super(scope, id);
    checkMapping(props.settings);
    const { processor } = props.settings;
    const made = new PipelineFunction(this, 'Realtime', {
      functionName: NAMES.realtimeFunction,
      description: 'Decodes, validates, transforms, scores and delivers the records of the stream',
      handler: 'realtime',
      bundles: props.bundles,
      memory: processor.memory,
      timeout: processor.timeout,
      environment: {
        DELIVERY_STREAM_PREFIX: NAMES.deliveryStreamPrefix,
        DEFAULT_DATASET: props.defaultDataset,
        PAYLOAD_BUCKET: props.archive.bucketName,
        QUALITY_THRESHOLD: String(processor.qualityThreshold),
        MAX_RETRIES: String(processor.maxRetries),
        STATE_TABLE: props.stateTable.tableName,
        CODE_VERSION: bundleVersion(props.bundles, 'realtime'),
      },
      statements: statements(props),
      settings: props.settings,
    });
    const reason = 'Keys are not known beforehand: they name the record, or the shard and time, below one prefix';
    acknowledge(made.role, Object.fromEntries(KEPT_OBJECTS.map((keys) => [objectArnFinding('archive', keys), reason])));
    made.function.addEventSource(
      new KinesisEventSource(props.stream, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: processor.batchSize,
        maxBatchingWindow: processor.batchingWindow,
        parallelizationFactor: processor.parallelizationFactor,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: -1,
        maxRecordAge: processor.recordAgeMax,
        onFailure: new ArchiveOnFailure(props.archive),
      }),
    );
  }
}

/** CDK's own S3 destination grants reading and deleting the whole bucket; Lambda needs to put, and to list. */
class ArchiveOnFailure implements IEventSourceDlq {
  readonly #bucket: IBucket;

  constructor(bucket: IBucket) {
    this.#bucket = bucket;
  }

  bind(): { destination: string } {
    return { destination: this.#bucket.bucketArn };
  }
}

function checkMapping({ processor, stream }: Settings): void {
  if (processor.parallelizationFactor !== 1) {
    throw new Error(
      `processor parallelizationFactor: received ${processor.parallelizationFactor}, allowed: 1 ` +
        '(a shard has one checkpoint, so one batch at a time; scale by shards)',
    );
  }
  const ageSeconds = processor.recordAgeMax.toSeconds();
  const max = Math.min(RECORD_AGE_SECONDS_MAX, stream.retention.toSeconds() - 1);
  if (ageSeconds < 60 || ageSeconds > max) {
    throw new Error(
      `processor recordAgeMax: received ${ageSeconds} s, allowed: 60 to ${max} s ` +
        '(less than the retention of the stream, so that records are parked before the stream forgets them)',
    );
  }
}

function statements(props: ProcessorProps): PolicyStatement[] {
  const { archive, stream, streamKey, lakeKey } = props;
  return [
    new PolicyStatement({
      sid: 'ReadStream',
      actions: [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
      ],
      resources: [stream.streamArn],
    }),
    new PolicyStatement({ sid: 'DecryptStream', actions: ['kms:Decrypt'], resources: [streamKey.keyArn] }),
    new PolicyStatement({
      sid: 'Deliver',
      actions: ['firehose:PutRecordBatch'],
      resources: [...props.deliveryStreamArns],
    }),
    new PolicyStatement({
      sid: 'KeepPayloadsAndParkedBatches',
      actions: ['s3:PutObject'],
      resources: KEPT_OBJECTS.map((keys) => objectArn('archive', keys)),
    }),
    // Lambda asks for it, so that a wrong destination is told from a missing permission.
    new PolicyStatement({ sid: 'FindArchive', actions: ['s3:ListBucket'], resources: [archive.bucketArn] }),
    new PolicyStatement({ sid: 'EncryptObjects', actions: ['kms:GenerateDataKey'], resources: [lakeKey.keyArn] }),
    ...props.stateTable.writeStatements(),
  ];
}
