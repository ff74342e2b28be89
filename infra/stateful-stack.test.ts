import { describe, expect, it } from '@jest/globals';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { datasets } from '../schemas/index.ts';
import { synthesize } from '../test/support/infra/synthesize.ts';
import { Buckets } from './buckets.ts';
import { ENVIRONMENTS, settingsOf } from './settings.ts';
import { RecordStream } from './stream.ts';

const prod = synthesize({ environment: 'prod' }).stateful;
const local = synthesize({ environment: 'local' }).stateful;

interface LifecycleRule {
  readonly Prefix?: string;
  readonly ExpirationInDays?: number;
}

function lifecycleRules(template: Template): LifecycleRule[] {
  return Object.values(template.findResources('AWS::S3::Bucket')).flatMap(
    (bucket) => bucket.Properties.LifecycleConfiguration.Rules,
  );
}

interface TableInput {
  readonly Name: string;
  readonly TableType: string;
  readonly Parameters: Readonly<Record<string, unknown>>;
  readonly PartitionKeys: readonly { readonly Name: string }[];
  readonly StorageDescriptor: {
    readonly Columns: readonly { readonly Name: string; readonly Type: string }[];
    readonly Location: unknown;
  };
  readonly ViewOriginalText?: string;
}

function tableNamed(name: string): TableInput {
  const [found] = Object.values(prod.findResources('AWS::Glue::Table', { Properties: { TableInput: { Name: name } } }));
  if (!found) throw new Error(`no table ${name}`);
  return found.Properties.TableInput;
}

describe('keys', () => {
  it('rotates every key', () => {
    prod.allResourcesProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    prod.resourceCountIs('AWS::KMS::Key', 3);
  });
});

describe('buckets', () => {
  it('encrypts every bucket by KMS with a bucket key, and closes it to the public', () => {
    prod.resourceCountIs('AWS::S3::Bucket', 3);
    prod.allResourcesProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          Match.objectLike({
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: Match.objectLike({ SSEAlgorithm: 'aws:kms' }),
          }),
        ],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });

  it('refuses requests without TLS, and with TLS older than 1.2, for every bucket', () => {
    prod.resourceCountIs('AWS::S3::BucketPolicy', 3);
    for (const Condition of [
      { Bool: { 'aws:SecureTransport': 'false' } },
      { NumericLessThan: { 's3:TlsVersion': 1.2 } },
    ]) {
      prod.allResourcesProperties('AWS::S3::BucketPolicy', {
        PolicyDocument: Match.objectLike({
          Statement: Match.arrayWith([Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition })]),
        }),
      });
    }
  });

  it.each(['raw', 'processed', 'archive'])('names the %s bucket by account and region', (kind) => {
    prod.hasResourceProperties('AWS::S3::Bucket', {
      BucketName: {
        'Fn::Join': ['', [`data-pipeline-${kind}-`, { Ref: 'AWS::AccountId' }, '-', { Ref: 'AWS::Region' }]],
      },
    });
  });

  it('publishes the events of every bucket', () => {
    const publishing = prod.findResources('AWS::S3::Bucket', {
      Properties: {
        NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      },
    });

    expect(Object.keys(publishing).sort()).toEqual([
      expect.stringContaining('Archive'),
      expect.stringContaining('Processed'),
      expect.stringContaining('Raw'),
    ]);
  });

  it('never expires what cannot be made again: quarantined payloads, parked batches and tables', () => {
    const expiring = lifecycleRules(prod).filter((rule) => rule.ExpirationInDays !== undefined);

    expect(expiring.map((rule) => rule.Prefix)).toEqual(['athena-results/', 'tape/']);
  });

  it('keeps the tape for a year in production, cold from a quarter on, and a month beyond the stream elsewhere', () => {
    const tapeOf = (template: Template) => lifecycleRules(template).find(({ Prefix }) => Prefix === 'tape/');

    expect(tapeOf(prod)).toMatchObject({
      ExpirationInDays: 365,
      Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 90 }],
    });
    expect(tapeOf(local)).toEqual({ ExpirationInDays: 34, Prefix: 'tape/', Status: 'Enabled' });
  });

  it('fails if the tape is kept for less than 30 days beyond the stream', () => {
    const stack = new Stack(new App(), 'Test');
    const settings = {
      stream: { capacity: 1, retention: Duration.hours(97) },
      tape: { ...settingsOf('prod').tape, objectsKept: Duration.days(34) },
    };

    const act = () =>
      new Buckets(stack, 'Buckets', { settings, key: new Key(stack, 'Key'), removalPolicy: RemovalPolicy.DESTROY });

    expect(act).toThrow('tape objectsKept: received 34 days, allowed: 35 and more');
  });

  it('keeps data when the production stack is deleted, and does not elsewhere', () => {
    const stores = ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy', 'AWS::KMS::Key', 'AWS::Kinesis::Stream'];
    for (const type of [...stores, 'AWS::Glue::Database']) {
      prod.allResources(type, { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
      local.allResources(type, { DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
    }
    const policy = (template: Template) => tableResource(template, 'data-pipeline-state')[1].DeletionPolicy;
    expect([policy(prod), policy(local)]).toEqual(['RetainExceptOnCreate', 'Delete']);
  });

  it.each(ENVIRONMENTS)('keeps nothing of a create that failed in %s, so that it can be tried again', (environment) => {
    const { stateful, pipeline } = synthesize({ environment });

    const resources: { readonly Type: string; readonly DeletionPolicy?: string }[] = [stateful, pipeline].flatMap(
      (template) => Object.values(template.toJSON().Resources),
    );
    const kept = resources.filter(({ DeletionPolicy }) => DeletionPolicy === 'Retain').map(({ Type }) => Type);

    // Those of CDK's Firehose construct have no name of their own, and go with their group. The role of API Gateway's logs
    // has none either, and is set for the account, whatever becomes of the stack.
    expect(new Set(kept)).toEqual(new Set(['AWS::ApiGateway::Account', 'AWS::IAM::Role', 'AWS::Logs::LogStream']));
  });
});

describe('stream', () => {
  it('is on demand, encrypted, keeps records for 96 hours and distributes them by key in production', () => {
    prod.hasResourceProperties('AWS::Kinesis::Stream', {
      Name: 'data-pipeline-stream',
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
      ShardCount: Match.absent(),
      RetentionPeriodHours: 96,
      RecordDistributionStrategy: 'USER_PARTITION_KEY',
      StreamEncryption: Match.objectLike({ EncryptionType: 'KMS' }),
    });
  });

  it('has two shards locally, where Kinesis allows no distribution strategy', () => {
    local.hasResourceProperties('AWS::Kinesis::Stream', {
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
      ShardCount: 2,
      RecordDistributionStrategy: Match.absent(),
    });
  });

  it.each([9, 23, 8_761])('fails if the retention is %i hours', (hours) => {
    const stack = new Stack(new App(), 'Test');

    const act = () =>
      new RecordStream(stack, 'RecordStream', {
        key: new Key(stack, 'Key'),
        settings: { capacity: 1, retention: Duration.hours(hours) },
        removalPolicy: RemovalPolicy.DESTROY,
      });

    expect(act).toThrow(`stream retention: received ${hours} hours, allowed: 24 to 8760 hours`);
  });
});

interface TableResource {
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
}

function tableResource(template: Template, TableName: string): readonly [id: string, TableResource] {
  const [found] = Object.entries(template.findResources('AWS::DynamoDB::Table', { Properties: { TableName } }));
  if (!found) throw new Error(`no table ${TableName}`);
  return found;
}

describe('idempotency table', () => {
  it('is keyed as Powertools does, forgets by itself, and goes with its stack', () => {
    prod.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: {
        TableName: 'data-pipeline-idempotency',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
        SSESpecification: { SSEType: 'KMS' },
      },
    });
  });
});

describe('state table', () => {
  it('is keyed by pk and sk, billed by request, and read by status in the order of updates', () => {
    prod.resourceCountIs('AWS::DynamoDB::Table', 2);
    prod.hasResourceProperties('AWS::DynamoDB::Table', {
      TableName: 'data-pipeline-state',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-status',
          KeySchema: [
            { AttributeName: 'status', KeyType: 'HASH' },
            { AttributeName: 'updated_at', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      AttributeDefinitions: Match.arrayWith([{ AttributeName: 'updated_at', AttributeType: 'N' }]),
      TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
    });
    prod.hasOutput('StateTableName', {});
  });

  it('is encrypted by a key of its own, and can be restored to any second', () => {
    prod.hasResourceProperties('AWS::DynamoDB::Table', {
      SSESpecification: {
        KMSMasterKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^EncryptionStateKey'), 'Arn'] },
        SSEEnabled: true,
        SSEType: 'KMS',
      },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('refuses deletion in production alone', () => {
    const protectedTables = prod.findResources('AWS::DynamoDB::Table', {
      Properties: { DeletionProtectionEnabled: true },
    });
    expect(Object.values(protectedTables).map(({ Properties }) => Properties.TableName)).toEqual([
      'data-pipeline-state',
    ]);
    local.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
  });

  it('is made last, so that no failed create leaves it behind, protected', () => {
    const [id, { DependsOn = [] }] = tableResource(prod, 'data-pipeline-state');
    const others = Object.keys(prod.toJSON().Resources).filter((other) => other !== id);

    expect(DependsOn.toSorted()).toEqual(others.toSorted());
  });
});

describe('catalog', () => {
  it('has a table a dataset, failed_events and the view', () => {
    prod.resourceCountIs('AWS::Glue::Table', datasets.size + 2);
    prod.hasResourceProperties('AWS::Glue::Database', { DatabaseInput: { Name: 'data_pipeline_catalog' } });
  });

  it.each([...datasets.values()])('gives the table $name the columns and partitions of its dataset', (dataset) => {
    const table = tableNamed(dataset.name);

    expect(table.StorageDescriptor.Columns.map(({ Name, Type }) => `${Name} ${Type}`)).toEqual(
      dataset.columns.map(({ name, type }) => `${name} ${type}`),
    );
    expect(table.PartitionKeys.map(({ Name }) => Name)).toEqual(
      dataset.definition.partition === 'hour' ? ['dt', 'hour'] : ['dt'],
    );
    expect(JSON.stringify(table.StorageDescriptor.Location)).toContain(`/${dataset.name}/`);
  });

  it('partitions failed_events by day and hour', () => {
    expect(tableNamed('failed_events').PartitionKeys.map(({ Name }) => Name)).toEqual(['dt', 'hour']);
  });

  it('projects no partitions: registered ones can be moved by compaction', () => {
    for (const name of [...datasets.keys(), 'failed_events']) {
      const keys = Object.keys(tableNamed(name).Parameters);
      expect(keys.filter((key) => key.startsWith('projection.') || key.startsWith('storage.'))).toEqual([]);
    }
  });

  it('has unique columns per table, partition keys included', () => {
    for (const name of [...datasets.keys(), 'failed_events']) {
      const { PartitionKeys, StorageDescriptor } = tableNamed(name);
      const names = [...StorageDescriptor.Columns, ...PartitionKeys].map(({ Name }) => Name);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe('view processed_data', () => {
  const view = tableNamed('processed_data');
  const [, encoded = ''] = /^\/\* Presto View: (\S+) \*\/$/.exec(view.ViewOriginalText ?? '') ?? [];
  const document = JSON.parse(Buffer.from(encoded, 'base64').toString());

  it('is a view to Athena', () => {
    expect(view).toMatchObject({ TableType: 'VIRTUAL_VIEW', Parameters: { presto_view: 'true' } });
    expect(document).toMatchObject({ catalog: 'awsdatacatalog', schema: 'data_pipeline_catalog' });
  });

  it('declares the same columns to Glue and to Athena, in the types of each', () => {
    const glue = view.StorageDescriptor.Columns;

    expect(glue.map(({ Name }) => Name)).toEqual(document.columns.map(({ name }: { name: string }) => name));
    expect(document.columns).toEqual(
      expect.arrayContaining([
        { name: 'dataset', type: 'varchar' },
        { name: '_event_time', type: 'timestamp(3)' },
        { name: '_failed_rules', type: 'array(varchar)' },
        { name: '_quality_score', type: 'double' },
        { name: 'dt', type: 'varchar' },
      ]),
    );
  });

  it('selects its columns from every dataset and quotes them, since they begin with an underscore', () => {
    const selects: string[] = document.originalSql.split('\nUNION ALL\n');

    expect(selects).toHaveLength(datasets.size);
    for (const [index, name] of [...datasets.keys()].entries()) {
      expect(selects[index]).toContain(`CAST('${name}' AS varchar) AS "dataset", "_record_id", "_event_id"`);
      expect(selects[index]).toContain(`FROM "data_pipeline_catalog"."${name}"`);
    }
  });
});
