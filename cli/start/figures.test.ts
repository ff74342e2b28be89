import { describe, expect, it } from '@jest/globals';
import { createFigures } from './figures.ts';

const line = (Received: number, Delivered: number, more: object = {}): string =>
  JSON.stringify({ _aws: {}, Received, Delivered, Quarantined: 1, ...more });

describe('figures', () => {
  it('are sums over the batches that the processor logged', () => {
    const figures = createFigures();

    for (const message of [line(10, 9), line(5, 4, { Dropped: 2 })]) figures.take(message);

    expect(figures.sums).toEqual({ received: 15, delivered: 13, quarantined: 2, dropped: 2, batches: 2 });
  });

  it.each(['START RequestId: 1', '{"_aws": broken', '"_aws"', '[]'])('pass over %s', (message) => {
    const figures = createFigures();

    figures.take(message);

    expect(figures.sums.received).toBe(0);
  });
});
