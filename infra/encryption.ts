/**
 * The keys of the pipeline. Two, so that what reads the stream (the processor) and what writes the lake (Firehose) can
 * each do without the other's.
 */
import type { RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

export class Encryption extends Construct {
  readonly streamKey: Key;
  /** Buckets, delivery streams and query results. */
  readonly lakeKey: Key;

  constructor(scope: Construct, id: string, props: { readonly removalPolicy: RemovalPolicy }) {
    super(scope, id);
    const key = (name: string, description: string) =>
      new Key(this, `${name.charAt(0).toUpperCase()}${name.slice(1)}Key`, {
        alias: `data-pipeline-${name}`,
        description,
        enableKeyRotation: true,
        removalPolicy: props.removalPolicy,
      });
    this.streamKey = key('stream', 'Records on data-pipeline-stream');
    this.lakeKey = key('lake', 'Objects of the data pipeline in S3');
  }
}
