/**
 * The tape: a second reader of the stream, independent of the processor, that keeps every record as it came, one object a
 * batch below `tape/` in the archive bucket. Reconciliation compares it with the journal, and records can be played again
 * from it once the stream has forgotten them.
 */
import { Duration, Size } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ARCHIVE_PREFIXES, NAMES } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import {
  acknowledgeKeptObjects,
  checkStreamConsumer,
  consumeStream,
  type StreamConsumerProps,
  streamStatements,
} from './stream-consumer.ts';

export interface TapeProps extends StreamConsumerProps {
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
}

const PREFIXES = [ARCHIVE_PREFIXES.tape];

export class Tape extends Construct {
  /** @throws Error when the mapping would lose records */
  constructor(scope: Construct, id: string, props: TapeProps) {
    super(scope, id);
    checkStreamConsumer(props.settings);
    const made = new PipelineFunction(this, 'Tape', {
      functionName: NAMES.tapeFunction,
      description: 'Keeps the records of the stream as they came',
      handler: 'tape',
      bundles: props.bundles,
      // Room for a batch of 6 MB as text, as bytes and compressed.
      memory: Size.mebibytes(512),
      timeout: Duration.seconds(60),
      environment: { ARCHIVE_BUCKET: props.archive.bucketName, STREAM_NAME: props.stream.streamName },
      statements: streamStatements(props, PREFIXES),
      settings: props.settings,
    });
    acknowledgeKeptObjects(made, PREFIXES);
    consumeStream(made, props, props.settings.tape);
  }
}
