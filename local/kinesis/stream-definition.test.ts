import { describe, expect, it } from '@jest/globals';
import { type StreamDefinition, streamKind } from './stream-definition.ts';

const CONTEXT = { logicalId: 'Records', stackName: 'stack', account: '123456789012', region: 'eu-west-1' };

function create(properties: Record<string, unknown>): StreamDefinition {
  const made: StreamDefinition[] = [];
  const kind = streamKind((definition) => made.push(definition));
  void kind.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
  const [definition] = made;
  if (!definition) throw new Error('Nothing was made.');
  return definition;
}

describe('AWS::Kinesis::Stream', () => {
  it('is known by its name and ARN', () => {
    const kind = streamKind(() => undefined);

    expect(kind.identify({ Name: 'orders' }, CONTEXT)).toEqual({
      ref: 'orders',
      attributes: { Arn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/orders' },
    });
    expect(kind.identify({}, CONTEXT).ref).toBe('stack-Records');
  });

  it('on demand begins with four shards', () => {
    expect(create({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } })).toMatchObject({
      mode: 'ON_DEMAND',
      shardCount: 4,
    });
  });

  it('takes numbers as texts, as parameters of a template are', () => {
    expect(create({ ShardCount: '2', RetentionPeriodHours: '48', MaxRecordSizeInKiB: '10240' })).toMatchObject({
      mode: 'PROVISIONED',
      shardCount: 2,
      retentionHours: 48,
      recordBytesMax: 10 * 1024 * 1024,
    });
  });

  it('keeps records for a day and takes 1 MiB unless told otherwise', () => {
    expect(create({ ShardCount: 1 })).toMatchObject({ retentionHours: 24, recordBytesMax: 1024 * 1024 });
  });

  it.each([
    ['a retention of 23 hours', { ShardCount: 1, RetentionPeriodHours: 23 }, 'RetentionPeriodHours'],
    ['a retention of more than a year', { ShardCount: 1, RetentionPeriodHours: 8_761 }, 'RetentionPeriodHours'],
    ['records over 10 MiB', { ShardCount: 1, MaxRecordSizeInKiB: 10_241 }, 'MaxRecordSizeInKiB'],
    ['no shards', { ShardCount: 0 }, 'ShardCount'],
    ['shards of a stream on demand', { ShardCount: 1, StreamModeDetails: { StreamMode: 'ON_DEMAND' } }, 'ShardCount'],
    ['provisioned mode without shards', { StreamModeDetails: { StreamMode: 'PROVISIONED' } }, 'ShardCount'],
    ['a distribution that keeps no order by key', { RecordDistributionStrategy: 'AUTO' }, 'received AUTO'],
    [
      'a distribution with provisioned shards',
      { ShardCount: 1, RecordDistributionStrategy: 'USER_PARTITION_KEY' },
      'ON_DEMAND',
    ],
    ['a name with a slash', { Name: 'a/b' }, 'Name'],
  ])('refuses %s by name', (_name, properties, message) => {
    expect(() => create(properties)).toThrow(message);
  });
});
