import { describe, expect, it } from '@jest/globals';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Dataset } from '../schemas/dataset.ts';
import { datasets } from '../schemas/index.ts';
import { synthesize, temporaryFolder } from '../test/support/infra/synthesize.ts';
import { Processor } from './processor.ts';
import { type Settings, settingsOf } from './settings.ts';
import { StateTable } from './state-table.ts';

const prod = synthesize({ environment: 'prod' }).pipeline;
const local = synthesize({ environment: 'local' }).pipeline;

const TABLES = [...datasets.keys(), 'failed_events'];

function destination(template: Template, table: string) {
  const found = Object.values(
    template.findResources('AWS::KinesisFirehose::DeliveryStream', {
      Properties: { DeliveryStreamName: `data-pipeline-${table}` },
    }),
  );
  expect(found).toHaveLength(1);
  return found[0]?.Properties.ExtendedS3DestinationConfiguration;
}

function processorWith(change: { processor?: Partial<Settings['processor']>; stream?: Partial<Settings['stream']> }) {
  const stack = new Stack(new App(), 'Test');
  const key = new Key(stack, 'Key');
  const settings = settingsOf('prod');
  return () =>
    new Processor(stack, 'Processor', {
      settings: {
        ...settings,
        processor: { ...settings.processor, ...change.processor },
        stream: { ...settings.stream, ...change.stream },
      },
      bundles: temporaryFolder(),
      stream: new Stream(stack, 'Stream'),
      streamKey: key,
      archive: new Bucket(stack, 'Archive'),
      lakeKey: key,
      stateTable: new StateTable(stack, 'State', { key, removalPolicy: RemovalPolicy.DESTROY, after: [] }),
      defaultDataset: 'earthquakes',
      deliveryStreamArns: [],
    });
}

describe('the mapping of the stream', () => {
  it('loses nothing: from the horizon, item by item, bisecting, without a limit of attempts, and parked when old', () => {
    for (const template of [prod, local]) {
      const harmless = template.findResources('AWS::Lambda::EventSourceMapping', {
        Properties: {
          EventSourceArn: { 'Fn::ImportValue': Match.stringLikeRegexp('RecordStream') },
          StartingPosition: 'TRIM_HORIZON',
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          BisectBatchOnFunctionError: true,
          MaximumRetryAttempts: -1,
          MaximumRecordAgeInSeconds: 72 * 3600,
          ParallelizationFactor: 1,
          DestinationConfig: {
            OnFailure: { Destination: { 'Fn::ImportValue': Match.stringLikeRegexp('BucketsArchive') } },
          },
        },
      });
      const functions = Object.values(harmless).map(({ Properties }) => Properties.FunctionName.Ref);
      expect(functions).toEqual([expect.stringMatching(/^ProcessorRealtime/), expect.stringMatching(/^Tape/)]);
    }
  });

  it('waits for fuller batches in production, and for nothing locally', () => {
    const window = (template: Template, seconds: number) =>
      template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        StartingPosition: 'TRIM_HORIZON',
        BatchSize: 1_000,
        MaximumBatchingWindowInSeconds: seconds,
      });

    window(prod, 1);
    window(local, 0);
  });

  it('keeps an object a minute on the tape in production, and one a second locally', () => {
    for (const [template, seconds] of [
      [prod, 60],
      [local, 1],
    ] as const) {
      template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        FunctionName: { Ref: Match.stringLikeRegexp('^Tape') },
        BatchSize: 10_000,
        MaximumBatchingWindowInSeconds: seconds,
      });
    }
  });

  it('fails if more than one batch of a shard is in flight', () => {
    expect(processorWith({ processor: { parallelizationFactor: 2 } })).toThrow(
      'processor parallelizationFactor: received 2, allowed: 1',
    );
  });

  it('fails if records are retried until the stream forgets them', () => {
    const act = processorWith({
      processor: { recordAgeMax: Duration.hours(96) },
      stream: { retention: Duration.hours(96) },
    });

    expect(act).toThrow('processor recordAgeMax: received 345600 s, allowed: 60 to 345599 s');
  });

  it('fails if records are retried for longer than Lambda allows', () => {
    const act = processorWith({
      processor: { recordAgeMax: Duration.days(8) },
      stream: { retention: Duration.days(30) },
    });

    expect(act).toThrow('processor recordAgeMax: received 691200 s, allowed: 60 to 604800 s');
  });

  it('fails if the bundle has not been built, naming the command that builds it', () => {
    expect(processorWith({})).toThrow(/RealtimeFunction: no bundle .*index\.cjs; make it with: npm run build$/);
  });
});

describe('functions', () => {
  it('run Node 24 on arm64 and log JSON to a group of their own', () => {
    prod.resourceCountIs('AWS::Lambda::Function', 8);
    prod.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      LoggingConfig: Match.objectLike({ LogFormat: 'JSON', LogGroup: { Ref: Match.stringLikeRegexp('Logs') } }),
      ReservedConcurrentExecutions: Match.absent(),
    });
  });

  it('answer the pipelines API for as long as API Gateway waits, and cut chunks as ingestion does', () => {
    const named = (FunctionName: string) =>
      Object.values(prod.findResources('AWS::Lambda::Function', { Properties: { FunctionName } }))[0]?.Properties;
    const orchestrator = named('ServerlessDataPipeline-OrchestratorFunction');
    const ingestion = named('ServerlessDataPipeline-IngestionFunction');

    expect(orchestrator?.Timeout).toBe(29);
    for (const name of ['BATCH_SIZE', 'RAW_BUCKET', 'RUNS_QUEUE_URL', 'DEFAULT_DATASET']) {
      expect(orchestrator?.Environment.Variables[name]).toEqual(ingestion?.Environment.Variables[name]);
    }
  });

  it('tell the processor where to deliver, what plain JSON is, and where to keep payloads and books', () => {
    prod.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'ServerlessDataPipeline-RealtimeFunction',
      Timeout: 300,
      MemorySize: 1769,
      Environment: {
        Variables: {
          DELIVERY_STREAM_PREFIX: 'data-pipeline-',
          DEFAULT_DATASET: 'earthquakes',
          PAYLOAD_BUCKET: { 'Fn::ImportValue': Match.stringLikeRegexp('BucketsArchive') },
          QUALITY_THRESHOLD: '0.85',
          MAX_RETRIES: '5',
          STATE_TABLE: { 'Fn::ImportValue': Match.stringLikeRegexp('State') },
          CODE_VERSION: Match.stringLikeRegexp('.'),
          LOG_LEVEL: 'INFO',
          METRICS_NAMESPACE: 'DataPipeline',
        },
      },
    });
  });

  it('write their metrics below one namespace, all of them', () => {
    synthesize({ environment: 'prod', overrides: { METRICS_NAMESPACE: 'Other' } }).pipeline.allResourcesProperties(
      'AWS::Lambda::Function',
      { Environment: { Variables: Match.objectLike({ METRICS_NAMESPACE: 'Other' }) } },
    );
  });

  it('trace in production, and not locally', () => {
    prod.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    local.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: Match.absent() });
  });

  it('follow the overrides of .env', () => {
    const overridden = synthesize({
      environment: 'prod',
      overrides: { LOG_LEVEL: 'DEBUG', QUALITY_THRESHOLD: '0.7', TRANSFORMATION_MEMORY: '3008', MAX_RETRIES: '9' },
    }).pipeline;

    overridden.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'ServerlessDataPipeline-RealtimeFunction',
      MemorySize: 3008,
      Environment: { Variables: Match.objectLike({ QUALITY_THRESHOLD: '0.7', LOG_LEVEL: 'DEBUG', MAX_RETRIES: '9' }) },
      LoggingConfig: Match.objectLike({ ApplicationLogLevel: 'DEBUG' }),
    });
  });

  it('are the only source of code: no custom resource brings a function of its own', () => {
    for (const template of [prod, local]) {
      const types = Object.values(template.toJSON().Resources).map((resource) => (resource as { Type: string }).Type);
      expect(types.filter((type) => /^Custom::|^AWS::CloudFormation::CustomResource$/.test(type))).toEqual([]);
    }
  });
});

describe('delivery streams', () => {
  it('are one a dataset, and one of failed events', () => {
    prod.resourceCountIs('AWS::KinesisFirehose::DeliveryStream', TABLES.length);
    prod.allResourcesProperties('AWS::KinesisFirehose::DeliveryStream', {
      DeliveryStreamType: 'DirectPut',
      DeliveryStreamEncryptionConfigurationInput: Match.objectLike({ KeyType: 'CUSTOMER_MANAGED_CMK' }),
    });
  });

  it.each(TABLES)('convert %s to Snappy Parquet by its table, which allows no compression outside', (table) => {
    for (const template of [prod, local]) {
      const { CompressionFormat, DataFormatConversionConfiguration, CustomTimeZone } = destination(template, table);
      expect(CompressionFormat ?? 'UNCOMPRESSED').toBe('UNCOMPRESSED');
      expect(CustomTimeZone).toBeUndefined();
      expect(DataFormatConversionConfiguration).toMatchObject({
        Enabled: true,
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } },
        SchemaConfiguration: {
          TableName: table,
          VersionId: 'LATEST',
        },
      });
    }
  });

  it.each(TABLES)('buffer %s within what conversion and partitioning allow', (table) => {
    expect(destination(prod, table).BufferingHints).toEqual({ IntervalInSeconds: 300, SizeInMBs: 128 });
    expect(destination(local, table).BufferingHints).toEqual({ IntervalInSeconds: 60, SizeInMBs: 64 });
  });

  it.each(TABLES)('write what cannot be converted of %s below errors/, by kind and day', (table) => {
    expect(destination(prod, table).ErrorOutputPrefix).toBe(
      `errors/${table}/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/`,
    );
  });

  it('partition a daily dataset by the day of its event time, out of packed records', () => {
    expect(destination(prod, 'flights')).toMatchObject({
      Prefix: 'flights/dt=!{partitionKeyFromQuery:dt}/',
      DynamicPartitioningConfiguration: { Enabled: true },
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [
          { Type: 'RecordDeAggregation', Parameters: [{ ParameterName: 'SubRecordType', ParameterValue: 'JSON' }] },
          {
            Type: 'MetadataExtraction',
            Parameters: [
              { ParameterName: 'MetadataExtractionQuery', ParameterValue: '{dt:._event_time[0:10]}' },
              { ParameterName: 'JsonParsingEngine', ParameterValue: 'JQ-1.6' },
            ],
          },
        ],
      },
    });
  });

  it('partition an hourly dataset by day and hour', () => {
    const { pipeline, stateful } = synthesize({ environment: 'prod', datasets: hourly() });

    expect(destination(pipeline, 'flights').Prefix).toBe(
      'flights/dt=!{partitionKeyFromQuery:dt}/hour=!{partitionKeyFromQuery:hour}/',
    );
    expect(JSON.stringify(destination(pipeline, 'flights').ProcessingConfiguration)).toContain(
      '{dt:._event_time[0:10],hour:._event_time[11:13]}',
    );
    stateful.hasResourceProperties('AWS::Glue::Table', {
      TableInput: {
        Name: 'flights',
        PartitionKeys: [Match.objectLike({ Name: 'dt' }), Match.objectLike({ Name: 'hour' })],
      },
    });
  });

  it('partition failed events by arrival, without reading the documents', () => {
    const failed = destination(prod, 'failed_events');

    expect(failed.Prefix).toBe('failed_events/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/');
    expect(failed.DynamicPartitioningConfiguration).toBeUndefined();
    expect(failed.ProcessingConfiguration).toBeUndefined();
  });
});

function hourly(): Dataset[] {
  return [...datasets.values()].map((dataset) => ({
    ...dataset,
    definition: { ...dataset.definition, partition: dataset.name === 'flights' ? 'hour' : 'day' },
  }));
}

describe('landing', () => {
  it('sends the objects of tables to the queue, and what could not be delivered, and what was given up', () => {
    prod.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: {
            name: ['Processed', 'Archive'].map((bucket) => ({
              'Fn::ImportValue': Match.stringLikeRegexp(`Buckets${bucket}`),
            })),
          },
          object: {
            key: [
              ...TABLES.flatMap((table) => [{ prefix: `${table}/` }, { prefix: `errors/${table}/` }]),
              { prefix: 'aws/lambda/' },
            ],
          },
        },
      },
      Targets: [
        {
          Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^LandingQueue'), 'Arn'] },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^LandingDeadLetterQueue'), 'Arn'] } },
          Id: Match.anyValue(),
        },
      ],
    });
  });

  it('hides a message for six times the timeout of the function, and gives up after five receives', () => {
    prod.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'data-pipeline-landed',
      VisibilityTimeout: 360,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 5 }),
      SqsManagedSseEnabled: true,
    });
    prod.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'data-pipeline-landed-dlq',
      MessageRetentionPeriod: 14 * 86_400,
    });
    prod.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'ServerlessDataPipeline-CatalogFunction',
      Timeout: 60,
    });
  });

  it('hands the function batches, and takes back the messages that it names alone', () => {
    for (const [template, seconds] of [
      [prod, 5],
      [local, 1],
    ] as const) {
      template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        BatchSize: 100,
        MaximumBatchingWindowInSeconds: seconds,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^LandingQueue'), 'Arn'] },
      });
    }
  });

  it('refuses queue requests without TLS', () => {
    prod.resourceCountIs('AWS::SQS::QueuePolicy', 5);
    prod.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      }),
    });
  });
});

describe('the books', () => {
  function scheduled(expression: string, functionName: string): void {
    const [id] = Object.keys(
      prod.findResources('AWS::Lambda::Function', { Properties: { FunctionName: functionName } }),
    );
    prod.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: expression,
      State: 'ENABLED',
      Targets: [{ Arn: { 'Fn::GetAtt': [id, 'Arn'] }, Id: Match.anyValue() }],
    });
  }

  it('are folded once a minute, for at most a minute', () => {
    scheduled('rate(1 minute)', 'ServerlessDataPipeline-LedgerFunction');
    prod.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'ServerlessDataPipeline-LedgerFunction',
      Timeout: 60,
      Environment: {
        Variables: Match.objectLike({
          STATE_TABLE: { 'Fn::ImportValue': Match.stringLikeRegexp('State') },
          STREAM_NAME: { 'Fn::ImportValue': Match.stringLikeRegexp('RecordStream') },
        }),
      },
    });
  });

  it('are compared once an hour with the tape and with what has landed', () => {
    scheduled('rate(1 hour)', 'ServerlessDataPipeline-ReconcileFunction');
  });

  it.each(['Reconcile', 'Redrive'])('are worked on by %s with a whole vCPU, for as long as Lambda allows', (name) => {
    prod.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: `ServerlessDataPipeline-${name}Function`,
      Timeout: 900,
      MemorySize: 1769,
      Environment: {
        Variables: Match.objectLike({
          STATE_TABLE: { 'Fn::ImportValue': Match.stringLikeRegexp('State') },
          ARCHIVE_BUCKET: { 'Fn::ImportValue': Match.stringLikeRegexp('BucketsArchive') },
          PROCESSED_BUCKET: { 'Fn::ImportValue': Match.stringLikeRegexp('BucketsProcessed') },
          STREAM_NAME: { 'Fn::ImportValue': Match.stringLikeRegexp('RecordStream') },
          METRICS_NAMESPACE: 'DataPipeline',
          ...(name === 'Redrive'
            ? { DELIVERY_STREAM_PREFIX: 'data-pipeline-' }
            : {
                DATABASE_NAME: 'data_pipeline_catalog',
                WORKGROUP: 'data-pipeline-workgroup',
                DEFAULT_DATASET: 'earthquakes',
                QUALITY_THRESHOLD: '0.85',
              }),
        }),
      },
    });
  });

  it('raise an alarm as soon as anything is left over, or could not be compared, and not while nothing is told', () => {
    const { pipeline } = synthesize({ environment: 'prod', overrides: { METRICS_NAMESPACE: 'Other' } });

    pipeline.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'data-pipeline-residual',
      Namespace: 'Other',
      MetricName: 'Residual',
      Statistic: 'Maximum',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
      TreatMissingData: 'notBreaching',
    });
    pipeline.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'data-pipeline-reconcile-errors',
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: Match.stringLikeRegexp('^ReconcileFunction') } }],
      Statistic: 'Sum',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });
});

describe('queries', () => {
  it('write results encrypted below one prefix whatever a client asks for, and stop at the scan cap', () => {
    prod.hasResourceProperties('AWS::Athena::WorkGroup', {
      Name: 'data-pipeline-workgroup',
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        BytesScannedCutoffPerQuery: 100 * 2 ** 30,
        ResultConfiguration: {
          OutputLocation: {
            'Fn::Join': [
              '',
              ['s3://', { 'Fn::ImportValue': Match.stringLikeRegexp('BucketsArchive') }, '/athena-results/'],
            ],
          },
          EncryptionConfiguration: Match.objectLike({ EncryptionOption: 'SSE_KMS' }),
        },
      },
    });
  });
});

describe('logs', () => {
  it('are kept for a time that is stated, by function, delivery stream and API', () => {
    prod.resourceCountIs('AWS::Logs::LogGroup', TABLES.length + 9);
    prod.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
    local.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  });
});
