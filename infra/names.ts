/**
 * Physical names that users' commands, the processor's environment and the local runtime rely on. They are the same in
 * every environment: an account and region holds one (docs/decisions/0008-one-environment-a-region.md).
 */
import { Aws } from 'aws-cdk-lib';
import type { EnvironmentName } from './settings.ts';

export const NAMES = {
  stream: 'data-pipeline-stream',
  database: 'data_pipeline_catalog',
  failedEvents: 'failed_events',
  view: 'processed_data',
  workGroup: 'data-pipeline-workgroup',
  stateTable: 'data-pipeline-state',
  idempotencyTable: 'data-pipeline-idempotency',
  /** Messages of users, each an event or a list. */
  ingestQueue: 'data-pipeline-ingest',
  /** What of `ingestQueue` and `runsQueue` could not be taken in. */
  deadLetterQueue: 'data-pipeline-dlq',
  /** Objects that were dropped, and runs that are to be produced or go on. */
  runsQueue: 'data-pipeline-runs',
  api: 'data-pipeline-api',
  apiStage: 'prod',
  scheduleGroup: 'data-pipeline',
  landedQueue: 'data-pipeline-landed',
  landedDeadLetterQueue: 'data-pipeline-landed-dlq',
  realtimeFunction: 'ServerlessDataPipeline-RealtimeFunction',
  catalogFunction: 'ServerlessDataPipeline-CatalogFunction',
  tapeFunction: 'ServerlessDataPipeline-TapeFunction',
  ledgerFunction: 'ServerlessDataPipeline-LedgerFunction',
  reconcileFunction: 'ServerlessDataPipeline-ReconcileFunction',
  redriveFunction: 'ServerlessDataPipeline-RedriveFunction',
  ingestionFunction: 'ServerlessDataPipeline-IngestionFunction',
  orchestratorFunction: 'ServerlessDataPipeline-OrchestratorFunction',
  residualAlarm: 'data-pipeline-residual',
  reconcileErrorsAlarm: 'data-pipeline-reconcile-errors',
  deliveryStreamPrefix: 'data-pipeline-',
} as const;

/**
 * Names of the stacks. Each environment has its own, so that deploying one beside another never updates the other's
 * stacks: it fails when it creates the first resource whose physical name is taken.
 */
export function stackNames(environment: EnvironmentName): { readonly stateful: string; readonly pipeline: string } {
  const suffix = environment === 'prod' ? '' : `${environment.charAt(0).toUpperCase()}${environment.slice(1)}`;
  return { stateful: `DataPipeline${suffix}Stateful`, pipeline: `DataPipeline${suffix}` };
}

/** Prefixes in the archive bucket. */
export const ARCHIVE_PREFIXES = {
  athenaResults: 'athena-results/',
  failedPayloads: 'failed-payloads/',
  tape: 'tape/',
  /** Lambda's own, not a choice: lambda/latest/dg/kinesis-on-failure-destination.html */
  onFailure: 'aws/lambda/',
} as const;

/** In the raw bucket: what is put below it is taken in, `incoming/<dataset>/` as that dataset. */
export const DROP_PREFIX = 'incoming/';

export type BucketKind = 'raw' | 'processed' | 'archive';

export function bucketName(kind: BucketKind): string {
  return `data-pipeline-${kind}-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
}

/** ARN of the objects whose keys match `keys`, which may end in `*`. */
export function objectArn(kind: BucketKind, keys: string): string {
  return `arn:${Aws.PARTITION}:s3:::${bucketName(kind)}/${keys}`;
}

/** What cdk-nag calls the finding that a policy names `objectArn(kind, keys)`. */
export function objectArnFinding(kind: BucketKind, keys: string): string {
  return `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::data-pipeline-${kind}-<AWS::AccountId>-<AWS::Region>/${keys}]`;
}

/** ARN of a Glue resource, such as `catalog` or `database/<name>`. */
export function glueArn(resource: string): string {
  return `arn:${Aws.PARTITION}:glue:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
}
