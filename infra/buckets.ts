/**
 * The three buckets: raw (what is uploaded), processed (what tables read) and archive (what must be readable again: the
 * tape, kept payloads, parked batches, and query results). Encrypted by KMS, closed to the public, TLS only.
 */
import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  type LifecycleRule,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { ARCHIVE_PREFIXES, type BucketKind, bucketName } from './names.ts';
import type { Settings } from './settings.ts';

export interface BucketsProps {
  readonly settings: Pick<Settings, 'stream' | 'tape'>;
  readonly key: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Unfinished uploads are billed and never listed. */
const UNFINISHED_UPLOADS: LifecycleRule = { abortIncompleteMultipartUploadAfter: Duration.days(7) };
/** Glacier Instant Retrieval is read like any object, and billed for at least 90 days. */
const COLD_AFTER = Duration.days(90);
const COLD_AT_LEAST = Duration.days(90);
/** What the tape outlives the stream by: time to find that something is missing, and to play it again. */
const TAPE_BEYOND_STREAM = Duration.days(30);
/** How long an overwritten or deleted object can be had back. */
const VERSIONS_KEPT = Duration.days(30);

export class Buckets extends Construct {
  readonly raw: Bucket;
  readonly processed: Bucket;
  readonly archive: Bucket;

  /** @throws Error when the tape would be kept too short */
  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    this.raw = this.bucket('raw', props, { versioned: true, rules: [cold()] });
    // Not versioned: compaction replaces objects whole, and old versions would cost as much as the table.
    this.processed = this.bucket('processed', props, { versioned: false, rules: [] });
    this.archive = this.bucket('archive', props, {
      versioned: true,
      rules: [
        { prefix: ARCHIVE_PREFIXES.athenaResults, expiration: Duration.days(7) },
        tapeRule(props.settings),
        cold(ARCHIVE_PREFIXES.failedPayloads),
        cold(ARCHIVE_PREFIXES.onFailure),
      ],
    });
    publishEvents(this.raw);
    publishEvents(this.processed);
    publishEvents(this.archive);
  }

  private bucket(
    name: BucketKind,
    { key, removalPolicy }: BucketsProps,
    { versioned, rules }: { readonly versioned: boolean; readonly rules: readonly LifecycleRule[] },
  ): Bucket {
    const bucket = new Bucket(this, `${name.charAt(0).toUpperCase()}${name.slice(1)}`, {
      bucketName: bucketName(name),
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      // One data key a bucket and not an object: KMS is billed by the request.
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned,
      lifecycleRules: [
        UNFINISHED_UPLOADS,
        ...(versioned ? [{ noncurrentVersionExpiration: VERSIONS_KEPT }] : []),
        ...rules,
      ],
      removalPolicy,
    });
    // A bucket that stays goes on to refuse what is not encrypted on its way.
    bucket.policy?.applyRemovalPolicy(removalPolicy);
    acknowledge(bucket, {
      'AwsSolutions-S1':
        'Server access logs cannot be delivered to a bucket encrypted by KMS; CloudTrail data events record access where an account asks for it',
    });
    return bucket;
  }
}

function cold(prefix?: string): LifecycleRule {
  return {
    prefix,
    transitions: [{ storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: COLD_AFTER }],
  };
}

function tapeRule({ stream, tape }: BucketsProps['settings']): LifecycleRule {
  const days = tape.objectsKept.toDays();
  const daysMin = Math.ceil(stream.retention.toDays({ integral: false })) + TAPE_BEYOND_STREAM.toDays();
  if (days < daysMin) {
    throw new Error(`tape objectsKept: received ${days} days, allowed: ${daysMin} and more (30 beyond the stream's)`);
  }
  const isColdForLong = days >= COLD_AFTER.plus(COLD_AT_LEAST).toDays();
  const prefix = ARCHIVE_PREFIXES.tape;
  return { ...(isColdForLong ? cold(prefix) : { prefix }), expiration: tape.objectsKept };
}

/** By the L1 switch: the L2 property brings a Python function as a custom resource. */
function publishEvents(bucket: Bucket): void {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) throw new TypeError(`${bucket.node.path}: no CfnBucket behind the bucket`);
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
}
