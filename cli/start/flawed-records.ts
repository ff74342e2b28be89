/** Records with something wrong, one of each kind that a real stream brings. Each says how the pipeline must file it. */
import { gzipSync } from 'node:zlib';
import type { Dataset } from '../../schemas/dataset.ts';
import type { FailureCode, FailureStage } from '../../schemas/failure.ts';

export interface FlawedRecord {
  readonly what: string;
  readonly data: Buffer;
  readonly expect: { readonly stage: FailureStage; readonly code: FailureCode; readonly path: string };
}

/** Bytes that gzip shrinks to a few thousand: past the decompression cap of 10 MiB. */
const BOMB_BYTES = 11 * 1024 * 1024;
/** Characters of a place name that fit a Kinesis record (1 MiB) but not a Firehose record (1,000 KiB). */
const OVERSIZE_CHARACTERS = 1_024_500;

/** @param feature a valid earthquake feature, which each flawed one is derived from */
export function flawedRecords(feature: Readonly<Record<string, unknown>>, flights: Dataset): readonly FlawedRecord[] {
  const properties = { ...(feature.properties as object) };
  const withProperties = (changes: object) => json({ ...feature, properties: { ...properties, ...changes } });
  return [
    {
      what: 'JSON cut off in the middle',
      data: json(feature).subarray(0, 200),
      expect: { stage: 'decode', code: 'INVALID_JSON', path: '' },
    },
    {
      what: 'Avro whose body is not the schema’s',
      data: Buffer.concat([flights.singleObjectHeader, Buffer.from([0x02, 0xff, 0xff, 0xff])]),
      expect: { stage: 'decode', code: 'INVALID_AVRO', path: '' },
    },
    {
      what: 'Avro of a schema that nobody registered',
      data: Buffer.from('c301112233445566778800', 'hex'),
      expect: { stage: 'decode', code: 'UNKNOWN_SCHEMA', path: '' },
    },
    {
      what: 'a CloudEvent of an unknown dataset',
      data: json({ specversion: '1.0', id: '1', source: '/tide-gauges', type: 'tides', data: { level: 1.2 } }),
      expect: { stage: 'decode', code: 'UNKNOWN_DATASET', path: 'type' },
    },
    {
      what: 'gzip that unfolds past the cap',
      data: gzipSync(Buffer.alloc(BOMB_BYTES, ' ')),
      expect: { stage: 'decode', code: 'DECOMPRESSED_TOO_LARGE', path: '' },
    },
    {
      what: 'a magnitude that is a word',
      data: withProperties({ mag: 'strong' }),
      expect: { stage: 'validate', code: 'WRONG_TYPE', path: 'properties.mag' },
    },
    {
      what: 'an event from before the window',
      data: withProperties({ time: Date.UTC(1906, 3, 18) }),
      expect: { stage: 'validate', code: 'EVENT_TIME_OUTSIDE_WINDOW', path: '' },
    },
    {
      what: 'a place name larger than Firehose takes',
      data: withProperties({ place: 'x'.repeat(OVERSIZE_CHARACTERS) }),
      expect: { stage: 'transform', code: 'OUTPUT_TOO_LARGE', path: '' },
    },
  ];
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
