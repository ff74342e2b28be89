/**
 * Reconciliation: once an hour a function compares tape, journal and ledger with what has landed. It changes nothing but its
 * query results, and tells of what does not balance by the metric `Residual`, which has an alarm.
 */
import { Aws, Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type BooksProps, booksEnvironment } from './books.ts';
import { ARCHIVE_PREFIXES, glueArn, NAMES, objectArn, objectArnFinding } from './names.ts';
import { PipelineFunction } from './pipeline-function.ts';
import { ONE_VCPU } from './settings.ts';

const INTERVAL = Duration.hours(1);

const RESULTS = `${ARCHIVE_PREFIXES.athenaResults}*`;

export interface ReconcileProps extends BooksProps {
  /** The dataset of plain JSON, which names none. */
  readonly defaultDataset: string;
  readonly workGroupName: string;
}

/** An alarm as soon as the metric is more than 0, and none while nothing is told. */
const ANY_AT_ALL = {
  threshold: 0,
  comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
  evaluationPeriods: 1,
  treatMissingData: TreatMissingData.NOT_BREACHING,
};

export class Reconcile extends Construct {
  constructor(scope: Construct, id: string, props: ReconcileProps) {
    super(scope, id);
    const { settings, bundles } = props;
    const made = new PipelineFunction(this, 'Reconcile', {
      functionName: NAMES.reconcileFunction,
      description: 'Compares the books with the tape and with what has landed',
      handler: 'reconcile',
      bundles,
      memory: ONE_VCPU,
      // As long as Lambda allows: it reads the tape of the hours that it compares.
      timeout: Duration.minutes(15),
      environment: {
        ...booksEnvironment(props),
        DATABASE_NAME: NAMES.database,
        WORKGROUP: props.workGroupName,
        // What decides outcomes: it names what is missing by judging the tape again.
        DEFAULT_DATASET: props.defaultDataset,
        QUALITY_THRESHOLD: String(settings.processor.qualityThreshold),
      },
      statements: [
        ...props.stateTable.readStatements(),
        ...readStatements(props),
        ...queryStatements(props),
        new PolicyStatement({
          sid: 'FindShards',
          actions: ['kinesis:DescribeStreamSummary'],
          resources: [props.stream.streamArn],
        }),
      ],
      settings,
    });
    const reason = 'Keys are not known beforehand: whole prefixes are compared, and Athena names its results';
    const findings = [
      ...[...archiveObjects(), RESULTS].map((keys) => objectArnFinding('archive', keys)),
      ...processedObjects(props).map((keys) => objectArnFinding('processed', keys)),
    ];
    acknowledge(made.role, Object.fromEntries(findings.map((finding) => [finding, reason])));
    new Rule(this, 'EveryHour', {
      description: 'Compares the books with the tape and with what has landed',
      schedule: Schedule.rate(INTERVAL),
      targets: [new LambdaFunction(made.function)],
    });
    // An hour that could not be compared has no residual.
    new Alarm(this, 'Errors', {
      alarmName: NAMES.reconcileErrorsAlarm,
      alarmDescription: 'The books were not compared: the Reconcile function failed. Its log says why.',
      metric: made.function.metricErrors({ statistic: Stats.SUM, period: INTERVAL }),
      ...ANY_AT_ALL,
    });
    new Alarm(this, 'Residual', {
      alarmName: NAMES.residualAlarm,
      alarmDescription:
        'The books do not balance: records are missing, or rows are. The log of the Reconcile function names them.',
      metric: new Metric({
        namespace: settings.metricsNamespace,
        metricName: 'Residual',
        statistic: Stats.MAXIMUM,
        period: INTERVAL,
      }),
      ...ANY_AT_ALL,
    });
  }
}

function archiveObjects(): readonly string[] {
  return [`${ARCHIVE_PREFIXES.tape}*`, `${ARCHIVE_PREFIXES.onFailure}*`];
}

function processedObjects({ tables }: BooksProps): readonly string[] {
  return [...tables.map((table) => `${table}/*`), 'errors/*'];
}

function readStatements(props: BooksProps): PolicyStatement[] {
  const { archive, processed, lakeKey } = props;
  return [
    new PolicyStatement({
      sid: 'ReadObjects',
      actions: ['s3:GetObject'],
      resources: [
        ...archiveObjects().map((keys) => objectArn('archive', keys)),
        ...processedObjects(props).map((keys) => objectArn('processed', keys)),
      ],
    }),
    new PolicyStatement({
      sid: 'ListObjects',
      actions: ['s3:ListBucket', 's3:GetBucketLocation', 's3:ListBucketMultipartUploads'],
      resources: [archive.bucketArn, processed.bucketArn],
    }),
    new PolicyStatement({
      sid: 'DecryptObjectsAndEncryptResults',
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [lakeKey.keyArn],
    }),
  ];
}

/** Athena reads and writes in its caller's name: athena/latest/ug/managed-policies.html, AmazonAthenaFullAccess */
function queryStatements({ tables, workGroupName }: ReconcileProps): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'Query',
      actions: [
        'athena:StartQueryExecution',
        'athena:GetQueryExecution',
        'athena:GetQueryResults',
        'athena:StopQueryExecution',
      ],
      resources: [`arn:${Aws.PARTITION}:athena:${Aws.REGION}:${Aws.ACCOUNT_ID}:workgroup/${workGroupName}`],
    }),
    new PolicyStatement({
      sid: 'KeepResults',
      actions: ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      resources: [objectArn('archive', RESULTS)],
    }),
    new PolicyStatement({
      sid: 'ReadCatalog',
      actions: [
        'glue:GetDatabase',
        'glue:GetTable',
        'glue:GetPartition',
        'glue:GetPartitions',
        'glue:BatchGetPartition',
      ],
      resources: [
        glueArn('catalog'),
        glueArn(`database/${NAMES.database}`),
        ...tables.map((table) => glueArn(`table/${NAMES.database}/${table}`)),
      ],
    }),
  ];
}
