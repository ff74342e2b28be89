/** The processor: the function that turns the records of the stream into rows, and its event source mapping. */
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { ARCHIVE_PREFIXES, NAMES } from './names.ts';
import { bundleVersion, PipelineFunction } from './pipeline-function.ts';
import type { StateTable } from './state-table.ts';
import {
  acknowledgeKeptObjects,
  checkStreamConsumer,
  consumeStream,
  type StreamConsumerProps,
  streamStatements,
} from './stream-consumer.ts';

export interface ProcessorProps extends StreamConsumerProps {
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly stateTable: StateTable;
  /** The dataset of plain JSON, which names none. */
  readonly defaultDataset: string;
  readonly deliveryStreamArns: readonly string[];
}

const PREFIXES = [ARCHIVE_PREFIXES.failedPayloads];

export class Processor extends Construct {
  /** @throws Error when the mapping would break what the books rely on, or lose records */
  constructor(scope: Construct, id: string, props: ProcessorProps) {
    super(scope, id);
    checkStreamConsumer(props.settings);
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
      statements: [
        ...streamStatements(props, PREFIXES),
        new PolicyStatement({
          sid: 'Deliver',
          actions: ['firehose:PutRecordBatch'],
          resources: [...props.deliveryStreamArns],
        }),
        ...props.stateTable.writeStatements(),
      ],
      settings: props.settings,
    });
    acknowledgeKeptObjects(made, PREFIXES);
    consumeStream(made, props, processor);
  }
}
