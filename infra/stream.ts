/** The stream that everything goes through: encrypted by KMS, distributed by partition key so that order is kept per key. */

import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { CfnStream, Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { NAMES } from './names.ts';
import type { Settings } from './settings.ts';

export interface RecordStreamProps {
  readonly key: IKey;
  readonly settings: Settings['stream'];
  readonly removalPolicy: RemovalPolicy;
}

/** streams/latest/dev/service-sizes-and-limits.html; the linter that CDK brings accepts less. */
const RETENTION_MIN = Duration.hours(24);
const RETENTION_MAX = Duration.hours(8_760);

export class RecordStream extends Construct {
  readonly stream: Stream;

  /** @throws Error when the retention is outside what Kinesis accepts */
  constructor(scope: Construct, id: string, { key, settings, removalPolicy }: RecordStreamProps) {
    super(scope, id);
    const { capacity, retention } = settings;
    const hours = retention.toHours();
    if (hours < RETENTION_MIN.toHours() || hours > RETENTION_MAX.toHours()) {
      throw new Error(`stream retention: received ${hours} hours, allowed: 24 to 8760 hours`);
    }
    this.stream = new Stream(this, 'Stream', {
      streamName: NAMES.stream,
      ...(capacity === 'on-demand'
        ? { streamMode: StreamMode.ON_DEMAND }
        : { streamMode: StreamMode.PROVISIONED, shardCount: capacity }),
      retentionPeriod: retention,
      encryption: StreamEncryption.KMS,
      encryptionKey: key,
      removalPolicy,
    });
    acknowledge(this.stream, {
      'AwsSolutions-KDS3':
        'A key of our own, because the key policy of aws/kinesis cannot be narrowed to the readers of this stream',
    });
    const resource = this.stream.node.defaultChild;
    if (!(resource instanceof CfnStream)) throw new TypeError(`${this.node.path}: no CfnStream behind the stream`);
    // Only on-demand streams have the choice. AUTO would ignore partition keys, and with them order.
    if (capacity === 'on-demand') resource.recordDistributionStrategy = 'USER_PARTITION_KEY';
  }
}
