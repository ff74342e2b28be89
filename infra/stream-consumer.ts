/**
 * What the functions that read the stream have in common. Nothing is lost by them: records are tried again until they are
 * nearly as old as the stream keeps them, bisected down to one, and what still ages out is written with its payload to the
 * archive bucket.
 */
import { Aws, type Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IEventSourceDlq, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { acknowledge } from './acknowledge.ts';
import { ARCHIVE_PREFIXES, objectArn, objectArnFinding } from './names.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Settings } from './settings.ts';

export interface StreamConsumerProps {
  readonly settings: Settings;
  readonly stream: IStream;
  readonly streamKey: IKey;
  readonly archive: IBucket;
  readonly lakeKey: IKey;
}

export interface BatchProps {
  /** Kinesis records an invocation, 1 to 10,000; 6 MB of payload end a batch sooner. */
  readonly batchSize: number;
  /** 0 to 300 s. */
  readonly batchingWindow: Duration;
}

/** lambda/latest/dg/services-kinesis-parameters.html */
const RECORD_AGE_SECONDS_MAX = 604_800;

/** @throws Error when the mapping would break what the books rely on, or lose records */
export function checkStreamConsumer({ processor, stream }: Settings): void {
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

/** @param made a function with `streamStatements` */
export function consumeStream(made: PipelineFunction, props: StreamConsumerProps, batch: BatchProps): void {
  const { processor } = props.settings;
  made.function.addEventSource(
    new KinesisEventSource(props.stream, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: batch.batchSize,
      maxBatchingWindow: batch.batchingWindow,
      parallelizationFactor: processor.parallelizationFactor,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: -1,
      maxRecordAge: processor.recordAgeMax,
      onFailure: new ArchiveOnFailure(props.archive),
    }),
  );
}

/** @param prefixes in the archive bucket, below which the function puts objects of its own */
export function streamStatements(props: StreamConsumerProps, prefixes: readonly string[]): PolicyStatement[] {
  const { stream, streamKey, archive, lakeKey } = props;
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
      sid: 'KeepObjectsAndParkedBatches',
      actions: ['s3:PutObject'],
      resources: keptObjects(prefixes).map((keys) => objectArn('archive', keys)),
      // The bucket's name can be guessed: lambda/latest/dg/kinesis-on-failure-destination.html
      conditions: { StringEquals: { 's3:ResourceAccount': Aws.ACCOUNT_ID } },
    }),
    // Lambda asks for it, so that a wrong destination is told from a missing permission.
    new PolicyStatement({ sid: 'FindArchive', actions: ['s3:ListBucket'], resources: [archive.bucketArn] }),
    new PolicyStatement({ sid: 'EncryptObjects', actions: ['kms:GenerateDataKey'], resources: [lakeKey.keyArn] }),
  ];
}

/** Accepts what cdk-nag finds in `streamStatements` with the same prefixes. */
export function acknowledgeKeptObjects(made: PipelineFunction, prefixes: readonly string[]): void {
  const reason = 'Keys are not known beforehand: they name the record, or the shard and time, below one prefix';
  const findings = keptObjects(prefixes).map((keys) => [objectArnFinding('archive', keys), reason]);
  acknowledge(made.role, Object.fromEntries(findings));
}

function keptObjects(prefixes: readonly string[]): readonly string[] {
  return [...prefixes, ARCHIVE_PREFIXES.onFailure].map((prefix) => `${prefix}*`);
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
