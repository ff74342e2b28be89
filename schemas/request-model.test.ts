import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Draft04 from 'ajv-draft-04';
import type { Schema } from 'avsc';
import fc from 'fast-check';
import { EVENTS_PER_RECORD_MAX } from '../streams/codecs/decode-context.ts';
import { jsonOf, schemas } from '../test/support/schemas/json-records.ts';
import { parseSchema } from './avro-type.ts';
import type { Dataset } from './dataset.ts';
import { datasets } from './index.ts';
import { BATCH_EVENTS_MAX, batchModel, eventModel, type RequestModel } from './request-model.ts';
import { compileValidator } from './validate.ts';

/** API Gateway: a model has at most 400 KB (apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html). */
const MODEL_BYTES_MAX = 400 * 1024;

const flights = datasets.get('flights');
if (flights === undefined) throw new Error('no dataset flights');

function accepts(model: RequestModel): (value: unknown) => boolean {
  const validate = new Draft04.default({ strict: false, logger: false, ownProperties: true }).compile(model);
  return (value) => validate(value) === true;
}

/** A dataset of another schema; what else it has is not looked at. */
function datasetOf(schema: Schema, unknownFields: 'report' | 'ignore' = 'ignore', dataset = flights): Dataset {
  if (dataset === undefined) throw new Error('no dataset');
  const validateInput = compileValidator(schema, {
    stage: 'validate',
    unknownFields,
    spellings: 'json',
    mapKeys: 'any',
  });
  return { ...dataset, definition: { ...dataset.definition, schema, unknownFields }, validateInput };
}

const withRecord = (dataset: Dataset) =>
  jsonOf(parseSchema(dataset.definition.schema)).map((record): unknown => JSON.parse(JSON.stringify(record)));

const junk = fc.constantFrom(
  null,
  true,
  0,
  -1.5,
  2 ** 31,
  1e300,
  '',
  'text',
  '2026-01-01T00:00Z',
  [],
  [1],
  {},
  { a: 1 },
);

/** Replaces one value somewhere inside. */
function spoil(value: unknown, by: unknown, at: number): unknown {
  if (typeof value !== 'object' || value === null || at % 5 === 0) return by;
  const keys = Object.keys(value);
  const key = keys[at % Math.max(keys.length, 1)];
  if (key === undefined) return by;
  const inner = spoil(Reflect.get(value, key), by, Math.floor(at / 2));
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...value, [key]: inner };
}

describe('the model of a dataset', () => {
  it('is a valid schema of draft 4 within the size that API Gateway takes', () => {
    for (const dataset of datasets.values()) {
      for (const model of [eventModel(dataset), batchModel(dataset)]) {
        expect(new Draft04.default({ strict: false }).validateSchema(model)).toBe(true);
        expect(Buffer.byteLength(JSON.stringify(model))).toBeLessThan(MODEL_BYTES_MAX);
        // A template cannot have it.
        expect(JSON.stringify(model)).not.toMatch(/[:,[]null\b/);
      }
    }
  });

  it.each([...datasets.values()])('never refuses a record of $name that the pipeline accepts', (dataset) => {
    const accepted = accepts(eventModel(dataset));
    fc.assert(
      fc.property(withRecord(dataset), junk, fc.nat(1_000), (record, by, at) => {
        for (const value of [record, spoil(structuredClone(record), by, at)]) {
          const copy = structuredClone(value);
          if (dataset.validateInput(value) === undefined) expect([copy, accepted(copy)]).toEqual([copy, true]);
        }
        expect(accepted(record)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('never refuses what the pipeline accepts, whatever the schema is', () => {
    const cases = fc
      .tuple(schemas, fc.constantFrom('report' as const, 'ignore' as const))
      .chain(([schema, unknownFields]) =>
        fc.tuple(fc.constant(schema), fc.constant(unknownFields), withRecord(datasetOf(schema))),
      );
    let passed = 0;
    fc.assert(
      fc.property(cases, junk, fc.nat(1_000), ([schema, unknownFields, record], by, at) => {
        const dataset = datasetOf(schema, unknownFields);
        const accepted = accepts(eventModel(dataset));
        for (const value of [record, spoil(structuredClone(record), by, at)]) {
          const copy = structuredClone(value);
          if (dataset.validateInput(value) !== undefined) continue;
          passed += 1;
          expect([copy, accepted(copy)]).toEqual([copy, true]);
        }
      }),
      { numRuns: 120 },
    );
    expect(passed).toBeGreaterThan(50);
  });

  it('accepts every valid sample', () => {
    for (const dataset of datasets.values()) {
      const accepted = accepts(eventModel(dataset));
      for (const [file, record] of samplesOf(dataset, 'valid')) expect([file, accepted(record)]).toEqual([file, true]);
    }
  });

  it.each([
    ['earthquakes', ['coordinate-is-text', 'geometry-is-null', 'magnitude-is-a-word', 'no-time', 'status-unknown']],
    ['earthquakes', ['felt-beyond-int', 'the-record-is-a-list']],
    ['flights', ['date-is-null', 'delay-has-a-fraction', 'delay-is-text', 'distance-beyond-int', 'no-origin']],
  ])('refuses of the invalid samples of %s what a schema can say: %j', (name, refused) => {
    const dataset = datasets.get(name);
    if (dataset === undefined) throw new Error(`no dataset ${name}`);
    const samples = new Map(samplesOf(dataset, 'invalid'));
    const accepted = accepts(eventModel(dataset));

    for (const file of refused)
      expect([file, samples.has(file), accepted(samples.get(file))]).toEqual([file, true, false]);
  });

  it('refuses unknown fields where the dataset does', () => {
    const schema: Schema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int' }] };

    expect(accepts(eventModel(datasetOf(schema, 'report')))({ a: 1, b: 2 })).toBe(false);
    expect(accepts(eventModel(datasetOf(schema, 'ignore')))({ a: 1, b: 2 })).toBe(true);
  });

  it('reads 1.0 as a whole number, which `integer` of draft 4 does not', () => {
    const { properties } = eventModel(flights);

    expect(properties?.delay).toMatchObject({ type: 'number', multipleOf: 1 });
  });
});

describe('the model of a batch', () => {
  it('takes as many events as a record may hold, whatever they are, and no fewer than one', () => {
    const accepted = accepts(batchModel(flights));

    expect(BATCH_EVENTS_MAX).toBe(EVENTS_PER_RECORD_MAX);
    expect(accepted([null, 'x', { delay: 'late' }])).toBe(true);
    expect(accepted(Array(BATCH_EVENTS_MAX).fill(0))).toBe(true);
    for (const body of [[], Array(BATCH_EVENTS_MAX + 1).fill(0), {}, null, 'x']) expect(accepted(body)).toBe(false);
  });
});

describe('the partition key', () => {
  it.each([...datasets.values()])('of $name stands where keyField says', (dataset) => {
    const { key, keyField } = dataset.definition;
    for (const [, record] of samplesOf(dataset, 'valid')) {
      const read = keyField?.split('.').reduce<unknown>((value, name) => Object(value)[name], record);
      expect(read).toBe(key(record));
    }
  });
});

function samplesOf(dataset: Dataset, kind: 'valid' | 'invalid'): [file: string, record: unknown][] {
  const folder = path.join(import.meta.dirname, dataset.name, 'samples', kind);
  return readdirSync(folder).map((file) => [
    path.basename(file, '.json'),
    JSON.parse(readFileSync(path.join(folder, file), 'utf8')),
  ]);
}
