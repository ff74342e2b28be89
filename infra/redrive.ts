/**
 * Redrive: a function, invoked by hand, that takes up again what was parked or could not be delivered, and plays the tape
 * again. Records go back to the stream and documents to their delivery streams, with the identity that they had.
 */
import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type BooksProps, booksEnvironment } from './books.ts';
import { ARCHIVE_PREFIXES, NAMES, objectArn, objectArnFinding } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import { ONE_VCPU } from './settings.ts';

export interface RedriveProps extends BooksProps {
  readonly streamKey: IKey;
  readonly deliveryStreamArns: readonly string[];
}

const ARCHIVED = [`${ARCHIVE_PREFIXES.onFailure}*`, `${ARCHIVE_PREFIXES.tape}*`];
const MISDELIVERED = 'errors/*';

export class Redrive extends Construct {
  constructor(scope: Construct, id: string, props: RedriveProps) {
    super(scope, id);
    const made = new PipelineFunction(this, 'Redrive', {
      functionName: NAMES.redriveFunction,
      description: 'Takes up again what was parked, could not be delivered, or is on the tape',
      handler: 'redrive',
      bundles: props.bundles,
      memory: ONE_VCPU,
      // As long as Lambda allows; what it does not get to, the next invocation does.
      timeout: Duration.minutes(15),
      environment: { ...booksEnvironment(props), DELIVERY_STREAM_PREFIX: NAMES.deliveryStreamPrefix },
      statements: [...props.stateTable.writeStatements({ byStatus: true }), ...statements(props)],
      settings: props.settings,
    });
    const reason = 'Keys are not known beforehand: any object below the prefix may be taken up again';
    acknowledge(made.role, {
      ...Object.fromEntries(ARCHIVED.map((keys) => [objectArnFinding('archive', keys), reason])),
      [objectArnFinding('processed', MISDELIVERED)]: reason,
    });
  }
}

function statements(props: RedriveProps): PolicyStatement[] {
  const { archive, processed, lakeKey, stream, streamKey, deliveryStreamArns } = props;
  return [
    new PolicyStatement({
      sid: 'ReadObjects',
      actions: ['s3:GetObject'],
      resources: [...ARCHIVED.map((keys) => objectArn('archive', keys)), objectArn('processed', MISDELIVERED)],
    }),
    new PolicyStatement({
      sid: 'ListObjects',
      actions: ['s3:ListBucket'],
      resources: [archive.bucketArn, processed.bucketArn],
    }),
    new PolicyStatement({ sid: 'DecryptObjects', actions: ['kms:Decrypt'], resources: [lakeKey.keyArn] }),
    new PolicyStatement({
      sid: 'PutRecords',
      actions: ['kinesis:PutRecords', 'kinesis:DescribeStreamSummary'],
      resources: [stream.streamArn],
    }),
    // Of producers: streams/latest/dev/permissions-user-key-KMS.html
    new PolicyStatement({ sid: 'EncryptRecords', actions: ['kms:GenerateDataKey'], resources: [streamKey.keyArn] }),
    new PolicyStatement({
      sid: 'Deliver',
      actions: ['firehose:PutRecordBatch'],
      resources: [...deliveryStreamArns],
    }),
  ];
}
