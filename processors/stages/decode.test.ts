import { describe, expect, test } from '@jest/globals';
import { createAggregateBuilder } from '../../streams/aggregation/aggregate-builder.ts';
import { probeJson } from '../../test/support/processors/probe-dataset.ts';
import { decoded } from '../../test/support/processors/through-stages.ts';

function aggregateOf(...payloads: Buffer[]): Buffer {
  const builder = createAggregateBuilder();
  payloads.forEach((payload, index) => {
    builder.add(`key-${index}`, payload);
  });
  return builder.encode();
}

describe('decode', () => {
  test('gives every user record of an aggregate a number and an identity of its own', () => {
    const items = decoded(aggregateOf(probeJson('a'), Buffer.from('{'), probeJson('b')));

    expect(items.map(({ state }) => state)).toEqual(['decoded', 'failed', 'decoded']);
    const identities = items.map((item) =>
      'origin' in item ? item.origin.recordIds.textOf(item.event.subsequenceNumber) : '',
    );
    expect(new Set(identities).size).toBe(3);
    for (const identity of identities) expect(identity).toMatch(/^[0-9a-f]{32}$/);
  });

  test('gives at least one item for any bytes', () => {
    for (const data of [Buffer.alloc(0), Buffer.from('[]'), aggregateOf(), Buffer.from('f3899ac2', 'hex')]) {
      expect(decoded(data)).toMatchObject([{ state: 'failed' }]);
    }
  });
});
