/**
 * The keys of the pipeline. Three, so that what reads the stream (the processor), what writes the lake (Firehose) and what
 * keeps the books (the ledger) can each do without the others'. Who may query the lake does not thereby read the books.
 */
import type { RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

export class Encryption extends Construct {
  readonly streamKey: Key;
  /** Buckets, delivery streams and query results. */
  readonly lakeKey: Key;
  /** The state table. */
  readonly stateKey: Key;

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
    this.stateKey = key('state', 'Items of data-pipeline-state');
  }
}
