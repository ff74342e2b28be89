/** All stages in a row: every failure code, and every sample of every dataset. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Dataset } from '../../schemas/dataset.ts';
import { FAILURE_CODES, type FailureCode } from '../../schemas/failure.ts';
import { datasets } from '../../schemas/index.ts';
import { createAggregateBuilder } from '../../streams/aggregation/aggregate-builder.ts';
import { probe, probeJson, probeRecord } from '../../test/support/processors/probe-dataset.ts';
import { rowOf, throughStages } from '../../test/support/processors/through-stages.ts';
import type { Routed } from './route.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const { at: _at, ...WITHOUT_TIME } = probeRecord('fine');

/** One record for each failure code that its bytes bring about, and the path at which it fails. */
const FAILING: Readonly<
  Record<Exclude<FailureCode, 'FUNCTION_KILLED'>, { readonly data: Buffer; readonly path: string }>
> = {
  EMPTY_PAYLOAD: { data: Buffer.alloc(0), path: '' },
  INVALID_GZIP: { data: Buffer.from('1f8b00', 'hex'), path: '' },
  DECOMPRESSED_TOO_LARGE: { data: gzipSync(Buffer.alloc(10 * 1024 * 1024 + 1)), path: '' },
  TOO_MANY_EVENTS: { data: json(Array(10_001).fill(0)), path: '' },
  INVALID_UTF8: { data: Buffer.from('fffe', 'hex'), path: '' },
  INVALID_JSON: { data: Buffer.from('{"mode":'), path: '' },
  INVALID_CLOUDEVENT: { data: json({ specversion: '1.0', source: 's', type: 'probe', data: {} }), path: 'id' },
  UNKNOWN_DATASET: { data: json({ specversion: '1.0', id: '1', source: 's', type: 'trains', data: {} }), path: 'type' },
  INVALID_REPLAY_FRAME: { data: Buffer.from('a752504c02000000', 'hex'), path: '' },
  UNREADABLE_RECORD: {
    data: json({ specversion: '1.0', id: 'row:7', source: 's', type: 'probe', unreadable: '2 values', expected: '3' }),
    path: '',
  },
  UNKNOWN_SCHEMA: { data: Buffer.from('c3010000000000000000', 'hex'), path: '' },
  INVALID_AVRO: { data: Buffer.concat([probe.singleObjectHeader, Buffer.from('ff')]), path: '' },
  MISSING_FIELD: { data: json(WITHOUT_TIME), path: 'at' },
  WRONG_TYPE: { data: json({ ...probeRecord('fine'), mode: 7 }), path: 'mode' },
  OUT_OF_RANGE: { data: probeJson('fine', { count: 2 ** 31 }), path: 'count' },
  INVALID_SYMBOL: { data: json({ ...probeRecord('fine'), colour: 'green' }), path: 'colour' },
  INVALID_LOGICAL_VALUE: { data: json({ ...probeRecord('fine'), at: '2026-02-30T00:00:00Z' }), path: 'at' },
  UNKNOWN_FIELD: { data: json({ ...probeRecord('fine'), more: 1 }), path: 'more' },
  TOO_MANY_ITEMS: { data: probeJson('fine', { items: Array<number>(100_001).fill(0) }), path: 'items' },
  EVENT_TIME_OUTSIDE_WINDOW: { data: probeJson('fine', { at: Date.UTC(2019, 11, 31) }), path: '' },
  TRANSFORM_THREW: { data: probeJson('throws'), path: '' },
  INVALID_OUTPUT: { data: probeJson('bad output'), path: 'at' },
  OUTPUT_TOO_LARGE: { data: probeJson('large output', { count: 1_024_000 }), path: '' },
  QUALITY_BELOW_THRESHOLD: { data: probeJson('poor'), path: '' },
};
const STAGE_OF = new Map(Object.entries(FAILURE_CODES).flatMap(([stage, codes]) => codes.map((code) => [code, stage])));

describe('every failure code', () => {
  test.each(Object.entries(FAILING))('%s is filed with its reason and the original bytes', (code, { data, path }) => {
    const [routed, ...others] = throughStages(data);
    const row = rowOf(routed);

    expect(others).toEqual([]);
    expect(routed).toMatchObject({ outcome: 'quarantined', code, document: { table: 'failed_events' } });
    expect(row).toMatchObject({ code, stage: STAGE_OF.get(code as FailureCode), path });
    for (const text of ['expected', 'received', 'message']) expect(row[text]).toMatch(/\S/);
    expect(Buffer.from(String(row.payload), 'base64').equals(data)).toBe(true);
    expect(row).toMatchObject({ payload_bytes: data.length, payload_uri: null });
  });
});

const samplesOf = (dataset: Dataset, kind: 'valid' | 'invalid') => {
  const folder = path.join(import.meta.dirname, '../../schemas', dataset.name, 'samples', kind);
  return readdirSync(folder).map((file) => ({
    title: `${dataset.name}: ${path.basename(file, '.json')}`,
    dataset,
    content: JSON.parse(readFileSync(path.join(folder, file), 'utf8')),
  }));
};
const all = [...datasets.values()];
const cloudEvent = (dataset: Dataset, data: unknown) =>
  json({ specversion: '1.0', id: 'e1', source: 'urn:sample', type: dataset.name, data });

/** A record in each wire format that JSON can take. */
function asCarried(dataset: Dataset, record: unknown): Readonly<Record<string, Routed[]>> {
  const aggregate = createAggregateBuilder();
  aggregate.add('key', json(record));
  return {
    plain: throughStages(json(record), dataset.name),
    cloudEvent: throughStages(cloudEvent(dataset, record)),
    gzip: throughStages(gzipSync(cloudEvent(dataset, record))),
    aggregate: throughStages(aggregate.encode(), dataset.name),
  };
}

describe('samples', () => {
  test.each(all.flatMap((dataset) => samplesOf(dataset, 'valid')))('$title is delivered', ({ dataset, content }) => {
    for (const [carrier, outcomes] of Object.entries(asCarried(dataset, content))) {
      expect({ carrier, outcomes }).toMatchObject({ outcomes: [{ outcome: 'delivered', dataset: dataset.name }] });
      expect(Object.keys(rowOf(outcomes[0])).sort()).toEqual(dataset.columns.map(({ name }) => name).sort());
    }
  });

  test.each(all.flatMap((dataset) => samplesOf(dataset, 'invalid')))(
    '$title is quarantined as it says',
    ({ dataset, content }) => {
      for (const [carrier, outcomes] of Object.entries(asCarried(dataset, content.record))) {
        // In a list of its own, what is no object is no CloudEvent batch either: only an envelope tells its dataset.
        if (Array.isArray(content.record) && carrier !== 'cloudEvent' && carrier !== 'gzip') continue;
        expect({ carrier, outcomes }).toMatchObject({ outcomes: [{ outcome: 'quarantined', dataset: dataset.name }] });
        expect(rowOf(outcomes[0])).toMatchObject({ ...content.expect, dataset: dataset.name });
      }
    },
  );

  test.each(all.flatMap((dataset) => samplesOf(dataset, 'valid')))(
    '$title gives the same row from Avro as from JSON',
    ({ dataset, content }) => {
      const fromJson = rowOf(throughStages(json(content), dataset.name)[0]);
      dataset.validateInput(content);
      const avro = Buffer.concat([dataset.singleObjectHeader, dataset.encodeAvro(content)]);

      expect(rowOf(throughStages(avro)[0])).toEqual(fromJson);
    },
  );
});
