import { describe, expect, it } from '@jest/globals';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { synthesize } from '../test/support/infra/synthesize.ts';

const prod = synthesize({ environment: 'prod' }).pipeline;
const local = synthesize({ environment: 'local' }).pipeline;

const QUEUES = ['data-pipeline-runs', 'data-pipeline-ingest'];
const arnOf = (queue: string) => ({ 'Fn::GetAtt': [Match.stringLikeRegexp(`^Ingestion${queue}`), 'Arn'] });

describe('what is dropped', () => {
  it('below incoming/ of the raw bucket goes to the queue of runs', () => {
    prod.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: { name: [{ 'Fn::ImportValue': Match.stringLikeRegexp('BucketsRaw') }] },
          object: { key: [{ prefix: 'incoming/' }] },
        },
      },
      // What EventBridge could not bring there goes to the other.
      Targets: [{ Arn: arnOf('RunsQueue'), DeadLetterConfig: { Arn: arnOf('DeadLetterQueue') }, Id: Match.anyValue() }],
    });
  });
});

describe('the queues of ingestion', () => {
  it('hide a message for six times the timeout of the function, and give up after five receives to one other queue', () => {
    for (const QueueName of QUEUES) {
      prod.hasResourceProperties('AWS::SQS::Queue', {
        QueueName,
        VisibilityTimeout: 5_400,
        MessageRetentionPeriod: 7 * 86_400,
        RedrivePolicy: { deadLetterTargetArn: arnOf('DeadLetterQueue'), maxReceiveCount: 5 },
        SqsManagedSseEnabled: true,
      });
    }
    prod.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'data-pipeline-dlq',
      MessageRetentionPeriod: 14 * 86_400,
      SqsManagedSseEnabled: true,
    });
  });

  it('feed one function: a run an invocation, ten messages, few at once, and what failed alone comes again', () => {
    const feeds = (template: Template, concurrency: number) => {
      for (const [queue, batchSize] of [
        ['RunsQueue', 1],
        ['IngestQueue', 10],
      ] as const) {
        template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
          EventSourceArn: arnOf(queue),
          FunctionName: { Ref: Match.stringLikeRegexp('^IngestionFunction') },
          BatchSize: batchSize,
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          ScalingConfig: { MaximumConcurrency: concurrency },
        });
      }
    };

    feeds(prod, 5);
    feeds(local, 2);
  });
});

describe('the Ingestion function', () => {
  it('has as long as Lambda allows, and knows its queues, its bucket and how runs are cut', () => {
    prod.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'ServerlessDataPipeline-IngestionFunction',
      Timeout: 900,
      MemorySize: 1769,
      Environment: {
        Variables: Match.objectLike({
          RAW_BUCKET: { 'Fn::ImportValue': Match.stringLikeRegexp('BucketsRaw') },
          RUNS_QUEUE_URL: { Ref: Match.stringLikeRegexp('^IngestionRunsQueue') },
          INGEST_QUEUE_URL: { Ref: Match.stringLikeRegexp('^IngestionIngestQueue') },
          DEFAULT_DATASET: 'earthquakes',
          BATCH_SIZE: '1000',
          OBJECT_BYTES_MAX: String(5 * 2 ** 30),
        }),
      },
    });
  });

  it('may be invoked by what it hands on to itself, and no other function may', () => {
    const looping = prod.findResources('AWS::Lambda::Function', { Properties: { RecursiveLoop: 'Allow' } });

    expect(Object.values(looping).map(({ Properties }) => Properties.FunctionName)).toEqual([
      'ServerlessDataPipeline-IngestionFunction',
    ]);
    expect(Object.keys(prod.findResources('AWS::Lambda::Function')).length).toBeGreaterThan(1);
  });

  it('follows the overrides of .env', () => {
    const { pipeline } = synthesize({
      environment: 'prod',
      overrides: { INGESTION_MEMORY: '512', BATCH_SIZE: '50' },
    });

    pipeline.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'ServerlessDataPipeline-IngestionFunction',
      MemorySize: 512,
      Environment: { Variables: Match.objectLike({ BATCH_SIZE: '50' }) },
    });
    expect(pipeline.findResources('AWS::Lambda::Function', { Properties: { MemorySize: 1769 } })).not.toEqual({});
  });
});
