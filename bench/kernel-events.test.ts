import { describe, expect, it } from '@jest/globals';
import { FORMATS, makeBatches } from './kernel-events.ts';

const bytesOf = (data: string) => Buffer.from(data, 'base64').length;

describe('batches of the kernel', () => {
  it('hold 1,000 records of 1 KiB as JSON, in 20 aggregates of 50, or as smaller Avro', async () => {
    const [batch] = await makeBatches(1);

    const sizes = FORMATS.map((format) => batch?.[format].Records.length);
    expect(sizes).toEqual([1_000, 1_000, 20, 20]);
    for (const { kinesis } of batch?.json.Records ?? []) expect(bytesOf(kinesis.data)).toBe(1_024);
    for (const { kinesis } of batch?.avro.Records ?? []) expect(bytesOf(kinesis.data)).toBeLessThan(1_024);
  });

  it('begin at different records', async () => {
    const batches = await makeBatches(3);

    expect(new Set(batches.map(({ json }) => json.Records[0]?.kinesis.data)).size).toBe(3);
    expect(new Set(batches.flatMap(({ json }) => json.Records.map(({ eventID }) => eventID))).size).toBe(3_000);
  });
});
