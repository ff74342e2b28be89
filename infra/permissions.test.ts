import { describe, expect, it } from '@jest/globals';
import { datasets } from '../schemas/index.ts';
import { admittedPrincipals, grantedPermissions } from '../test/support/infra/granted-permissions.ts';
import { synthesize } from '../test/support/infra/synthesize.ts';

const prod = synthesize({ environment: 'prod' });
const local = synthesize({ environment: 'local' });

const TABLES = [...datasets.keys(), 'failed_events'];

type Grant = readonly [actions: readonly string[], resources: readonly string[]];

const bucket = (kind: string) => `Bucket data-pipeline-${kind}-AccountId-Region`;
const objects = (kind: string, keys: string) => `arn:Partition:s3:::data-pipeline-${kind}-AccountId-Region/${keys}`;
const tables = (...names: readonly string[]) => [
  'arn:Partition:glue:Region:AccountId:catalog',
  'arn:Partition:glue:Region:AccountId:database/data_pipeline_catalog',
  ...names.map((name) => `arn:Partition:glue:Region:AccountId:table/data_pipeline_catalog/${name}`),
];

function functionGrants(name: string, traced: boolean): readonly Grant[] {
  return [
    [['trusts'], ['Service: lambda.amazonaws.com']],
    [['logs:CreateLogStream', 'logs:PutLogEvents'], [`LogGroup /aws/lambda/${name}`]],
    ...(traced ? ([[['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*']]] as const) : []),
  ];
}

const readKey = ['kms:Decrypt', 'kms:DescribeKey'];
const writeKey = [
  ...['kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext'],
  ...['kms:ReEncryptFrom', 'kms:ReEncryptTo'],
];

const KEEP_STATE: readonly Grant[] = [
  [
    [
      ...['dynamodb:GetItem', 'dynamodb:Query'],
      ...['dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
    ],
    ['Table data-pipeline-state'],
  ],
  [[...readKey, ...writeKey], ['Key EncryptionStateKey']],
];

const consume = (...prefixes: readonly string[]): readonly Grant[] => [
  [
    [
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:GetRecords',
      'kinesis:GetShardIterator',
      'kinesis:ListShards',
    ],
    ['Stream data-pipeline-stream'],
  ],
  [['kms:Decrypt'], ['Key EncryptionStreamKey']],
  [
    ['s3:PutObject'],
    [...prefixes, 'aws/lambda/'].map(
      (prefix) => `${objects('archive', `${prefix}*`)} if StringEquals: s3:ResourceAccount: AccountId`,
    ),
  ],
  [['s3:ListBucket'], [bucket('archive')]],
  [['kms:GenerateDataKey'], ['Key EncryptionLakeKey']],
];

const DELIVER: Grant = [['firehose:PutRecordBatch'], TABLES.map((table) => `DeliveryStream data-pipeline-${table}`)];

const PROCESSOR: readonly Grant[] = [...consume('failed-payloads/'), DELIVER, ...KEEP_STATE];

const TAPE = consume('tape/');

const QUERY_BY_STATUS: Grant = [['dynamodb:Query'], ['Table data-pipeline-state/index/by-status']];

const LEDGER: readonly Grant[] = [
  ...KEEP_STATE,
  QUERY_BY_STATUS,
  [['kinesis:DescribeStreamSummary'], ['Stream data-pipeline-stream']],
];

const RECONCILE: readonly Grant[] = [
  [['dynamodb:GetItem', 'dynamodb:Query'], ['Table data-pipeline-state']],
  QUERY_BY_STATUS,
  [readKey, ['Key EncryptionStateKey']],
  [
    ['s3:GetObject'],
    [
      ...['tape/*', 'aws/lambda/*'].map((keys) => objects('archive', keys)),
      ...[...TABLES.map((table) => `${table}/*`), 'errors/*'].map((keys) => objects('processed', keys)),
    ],
  ],
  [
    ['s3:ListBucket', 's3:GetBucketLocation', 's3:ListBucketMultipartUploads'],
    [bucket('archive'), bucket('processed')],
  ],
  [['kms:Decrypt', 'kms:GenerateDataKey'], ['Key EncryptionLakeKey']],
  [
    ['athena:StartQueryExecution', 'athena:GetQueryExecution', 'athena:GetQueryResults', 'athena:StopQueryExecution'],
    ['arn:Partition:athena:Region:AccountId:workgroup/data-pipeline-workgroup'],
  ],
  [
    ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    [objects('archive', 'athena-results/*')],
  ],
  [
    ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartition', 'glue:GetPartitions', 'glue:BatchGetPartition'],
    tables(...TABLES),
  ],
  [['kinesis:DescribeStreamSummary'], ['Stream data-pipeline-stream']],
];

const REDRIVE: readonly Grant[] = [
  ...KEEP_STATE,
  QUERY_BY_STATUS,
  [
    ['s3:GetObject'],
    [objects('archive', 'aws/lambda/*'), objects('archive', 'tape/*'), objects('processed', 'errors/*')],
  ],
  [['s3:ListBucket'], [bucket('archive'), bucket('processed')]],
  [['kms:Decrypt'], ['Key EncryptionLakeKey']],
  [['kinesis:PutRecords', 'kinesis:DescribeStreamSummary'], ['Stream data-pipeline-stream']],
  [['kms:GenerateDataKey'], ['Key EncryptionStreamKey']],
  DELIVER,
];

const INGESTION: readonly Grant[] = [
  [
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
    ['Queue data-pipeline-runs', 'Queue data-pipeline-ingest'],
  ],
  [['sqs:SendMessage'], ['Queue data-pipeline-runs']],
  [['s3:GetObject', 's3:GetObjectVersion'], [objects('raw', '*')]],
  [['s3:ListBucket'], [bucket('raw')]],
  [['s3:PutObject'], [objects('raw', 'pulled/*')]],
  [['kms:Decrypt', 'kms:GenerateDataKey'], ['Key EncryptionLakeKey']],
  [['kinesis:PutRecords'], ['Stream data-pipeline-stream']],
  [['kms:GenerateDataKey'], ['Key EncryptionStreamKey']],
  ...KEEP_STATE,
];

const ORCHESTRATOR: readonly Grant[] = [
  ...KEEP_STATE,
  QUERY_BY_STATUS,
  [
    ['dynamodb:PutItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
    ['Table data-pipeline-idempotency'],
  ],
  [['sqs:SendMessage'], ['Queue data-pipeline-runs']],
  [['s3:GetObject'], [objects('raw', '*')]],
  [['s3:ListBucket'], [bucket('raw')]],
  [['kinesis:PutRecords'], ['Stream data-pipeline-stream']],
  [['kms:GenerateDataKey'], ['Key EncryptionStreamKey']],
];

const CATALOG: readonly Grant[] = [
  [
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
    ['Queue data-pipeline-landed'],
  ],
  [['glue:GetTable', 'glue:CreatePartition', 'glue:BatchCreatePartition'], tables(...TABLES)],
  [
    ['s3:GetObject'],
    [
      ...TABLES.flatMap((table) => [objects('processed', `${table}/*`), objects('processed', `errors/${table}/*`)]),
      objects('archive', 'aws/lambda/*'),
    ],
  ],
  [['kms:Decrypt'], ['Key EncryptionLakeKey']],
  ...KEEP_STATE,
];

const SCHEDULES: readonly Grant[] = [
  [['trusts'], ['Service: scheduler.amazonaws.com']],
  [['sqs:SendMessage'], ['Queue data-pipeline-runs', 'Queue data-pipeline-dlq']],
];

function deliveryGrants(table: string): readonly Grant[] {
  return [
    [['trusts'], ['Service: firehose.amazonaws.com']],
    [
      ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload'],
      [objects('processed', `${table}/*`), objects('processed', `errors/${table}/*`)],
    ],
    [['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], [bucket('processed')]],
    [['kms:GenerateDataKey', 'kms:Decrypt'], ['Key EncryptionLakeKey']],
    [['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'], tables(table)],
    [['logs:PutLogEvents'], [`LogGroup /aws/kinesisfirehose/data-pipeline-${table}`]],
  ];
}

const API: Readonly<Record<string, readonly Grant[]>> = {
  ApiEventsRole: [
    [['trusts'], ['Service: apigateway.amazonaws.com']],
    [['kinesis:PutRecord'], ['Stream data-pipeline-stream']],
    [['kms:GenerateDataKey'], ['Key EncryptionStreamKey']],
  ],
  ApiRestApiCloudWatchRole: [
    [['trusts'], ['Service: apigateway.amazonaws.com']],
    [['managed policy'], ['arn:Partition:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs']],
  ],
};

/** Everything that the templates may grant, by who takes the role. */
function allowed({ traced }: { readonly traced: boolean }): Record<string, readonly string[]> {
  const functions = {
    Realtime: PROCESSOR,
    Catalog: CATALOG,
    Tape: TAPE,
    Ledger: LEDGER,
    Reconcile: RECONCILE,
    Redrive: REDRIVE,
    Ingestion: INGESTION,
    Orchestrator: ORCHESTRATOR,
  };
  const grants: Record<string, readonly Grant[]> = {
    ...Object.fromEntries(
      Object.entries(functions).map(([short, rows]) => {
        const name = `ServerlessDataPipeline-${short}Function`;
        return [name, [...functionGrants(name, traced), ...rows]];
      }),
    ),
    ...Object.fromEntries(TABLES.map((table) => [`data-pipeline-${table}`, deliveryGrants(table)])),
    ...API,
    SchedulesRole: SCHEDULES,
  };
  return Object.fromEntries(Object.entries(grants).map(([name, rows]) => [name, rows.flatMap(linesOf).sort()]));
}

function linesOf([actions, resources]: Grant): string[] {
  return actions.flatMap((action) =>
    resources.map((resource) =>
      action === 'trusts' || action === 'managed policy' ? `${action} ${resource}` : `${action} on ${resource}`,
    ),
  );
}

describe('roles', () => {
  it('may do exactly what is listed here, no less and no more', () => {
    expect(grantedPermissions(prod)).toEqual(allowed({ traced: true }));
  });

  it('may do the same locally, but for traces', () => {
    expect(grantedPermissions(local)).toEqual(allowed({ traced: false }));
  });

  it('never have all actions of a service, nor delete anything but a taken message and a request that failed', () => {
    const granted = Object.values(grantedPermissions(prod)).flat();

    expect(granted.filter((line) => /^\S*\*/.test(line))).toEqual([]);
    expect(granted.filter((line) => /^\S*delete/i.test(line))).toEqual([
      'sqs:DeleteMessage on Queue data-pipeline-ingest',
      'sqs:DeleteMessage on Queue data-pipeline-runs',
      'sqs:DeleteMessage on Queue data-pipeline-landed',
      'dynamodb:DeleteItem on Table data-pipeline-idempotency',
    ]);
  });
});

describe('policies on resources', () => {
  it('let in EventBridge, each rule to its queue or function, and leave keys to the policies of the account', () => {
    const sendByRule = (id: string, queue: string, rule: string) =>
      ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'].map((action) => {
        const condition = `if ArnEquals: aws:SourceArn: Rule ${rule}`;
        return `${id}Policy: Service: events.amazonaws.com ${action} on Queue data-pipeline-${queue} ${condition}`;
      });
    const fail = (id: string, queue: string, rule: string) =>
      `${id}Policy: Service: events.amazonaws.com sqs:SendMessage on Queue data-pipeline-${queue} if ArnEquals: aws:SourceArn: Rule ${rule}`;
    const invoke = (name: string, rule: string) =>
      `events.amazonaws.com lambda:InvokeFunction on Function ServerlessDataPipeline-${name}Function if SourceArn: Rule ${rule}`;

    const called = (paths: string) =>
      `apigateway.amazonaws.com lambda:InvokeFunction on Function ServerlessDataPipeline-OrchestratorFunction if SourceArn: ${paths}`;

    const admitted = admittedPrincipals(prod).map((line) =>
      line.replace(/arn:aws:execute-api\S*?\/\*\//, 'any method, /'),
    );
    expect(admitted).toEqual([
      'EncryptionLakeKey: AWS: arn:aws:iam::AccountId:root kms:* on *',
      'EncryptionStateKey: AWS: arn:aws:iam::AccountId:root kms:* on *',
      'EncryptionStreamKey: AWS: arn:aws:iam::AccountId:root kms:* on *',
      fail('IngestionDeadLetterQueue', 'dlq', 'IngestionDropped'),
      ...sendByRule('IngestionRunsQueue', 'runs', 'IngestionDropped'),
      fail('LandingDeadLetterQueue', 'landed-dlq', 'LandingLanded'),
      ...sendByRule('LandingQueue', 'landed', 'LandingLanded'),
      called('any method, /pipelines'),
      called('any method, /pipelines/*'),
      invoke('Ledger', 'LedgerEveryMinute'),
      invoke('Reconcile', 'ReconcileEveryHour'),
    ]);
  });
});
