/** What every dataset folder must keep, and what the two that ship do with all of their real data. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { datasetFolders } from '../tools/generate.ts';
import { type AvroType, parseSchema } from './avro-type.ts';
import type { Dataset } from './dataset.ts';
import { isRecord } from './describe.ts';
import { FAILURE_CODES, type FailureStage } from './failure.ts';
import { datasets } from './index.ts';

/** The evaluation time of these tests, and the pipeline's default quality threshold. */
const EVALUATED_AT_MS = Date.UTC(2026, 5, 1);
const QUALITY_THRESHOLD = 0.85;

interface Verdict {
  readonly stage: string;
  readonly code: string;
  readonly path: string;
}

/** The stages that need only the dataset, in their order. */
function verdictOf(dataset: Dataset, record: unknown): Verdict | undefined {
  const invalid = dataset.validateInput(record);
  if (invalid) return invalid;
  const timeMs = dataset.definition.eventTime(record);
  if (timeMs < dataset.eventTimeFromMs || timeMs > EVALUATED_AT_MS + dataset.eventTimeAheadMsMax) {
    return { stage: 'validate', code: 'EVENT_TIME_OUTSIDE_WINDOW', path: '' };
  }
  const output = dataset.definition.transform(record, {
    ingestedAtMs: EVALUATED_AT_MS,
  });
  const invalidOutput = dataset.validateOutput(output);
  if (invalidOutput) return invalidOutput;
  const { score } = dataset.score(output);
  if (score >= (dataset.definition.qualityThreshold ?? QUALITY_THRESHOLD)) return undefined;
  return { stage: 'score', code: 'QUALITY_BELOW_THRESHOLD', path: '' };
}

const samplesOf = (dataset: Dataset, kind: 'valid' | 'invalid') => {
  const folder = path.join(import.meta.dirname, dataset.name, 'samples', kind);
  return readdirSync(folder).map((file) => ({
    title: `${dataset.name}: ${path.basename(file, '.json')}`,
    content: JSON.parse(readFileSync(path.join(folder, file), 'utf8')),
    dataset,
  }));
};
const all = [...datasets.values()];

/** A record as Avro gives it back: the fields that the schema knows, null for what may be left out, times as numbers. */
function asRead({ definition }: Dataset, record: unknown): unknown {
  const read = (type: AvroType, value: unknown): unknown => {
    if (type.kind === 'nullable') return value === undefined || value === null ? null : read(type.of, value);
    if (type.kind === 'array' && Array.isArray(value)) return value.map((item) => read(type.items, item));
    if (type.kind === 'timestamp-millis' && typeof value === 'string') return Date.parse(value);
    if (type.kind !== 'record' || !isRecord(value)) return value;
    return Object.fromEntries(type.fields.map((field) => [field.name, read(field.type, value[field.name])]));
  };
  return read(parseSchema(definition.schema), record);
}

describe('schemas/index.ts', () => {
  it('lists every dataset folder under its own name', () => {
    expect([...datasets.keys()].sort()).toEqual(datasetFolders());
    for (const [name, dataset] of datasets) expect(dataset.name).toBe(name);
  });

  it('loads in Node itself, as the bundles and commands do', () => {
    const script = `const { datasets } = await import(${JSON.stringify(path.join(import.meta.dirname, 'index.ts'))});
      console.log(JSON.stringify([...datasets].map(([name, { schemaVersion }]) => [name, schemaVersion])));`;

    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(all.map(({ name, schemaVersion }) => [name, schemaVersion]));
  });

  it.each(all)('documents every field of $name, in and out', ({ definition, name }) => {
    const undocumented = (type: AvroType, at: string): string[] => {
      if (type.kind === 'nullable') return undocumented(type.of, at);
      if (type.kind === 'array') return undocumented(type.items, at);
      if (type.kind === 'map') return undocumented(type.values, at);
      if (type.kind !== 'record') return [];
      return type.fields.flatMap((field) => [
        ...(field.doc.length > 5 ? [] : [`${at}.${field.name}`]),
        ...undocumented(field.type, `${at}.${field.name}`),
      ]);
    };

    expect(undocumented(parseSchema(definition.schema), name)).toEqual([]);
    expect(undocumented(parseSchema(definition.output), name)).toEqual([]);
  });
});

describe('samples', () => {
  it.each(all.flatMap((dataset) => samplesOf(dataset, 'valid')))(
    '$title is delivered, and comes out of Avro as it was sent',
    ({ content, dataset }) => {
      const sent = structuredClone(content);

      expect(verdictOf(dataset, content)).toBeUndefined();
      expect(dataset.decodeAvro(dataset.encodeAvro(content))).toStrictEqual(asRead(dataset, sent));
    },
  );

  it.each(all.flatMap((dataset) => samplesOf(dataset, 'invalid')))(
    '$title is refused as it says',
    ({ content, dataset }) => {
      const { expect: expected, record } = content;
      const stages: readonly string[] = FAILURE_CODES[expected.stage as FailureStage];

      expect(stages).toContain(expected.code);
      expect(verdictOf(dataset, record)).toMatchObject(expected);
    },
  );

  it.each(all)('cover $name with three valid records and failures of validate and score at least', (dataset) => {
    const stages = samplesOf(dataset, 'invalid').map(({ content }) => content.expect.stage);

    expect(samplesOf(dataset, 'valid').length).toBeGreaterThanOrEqual(3);
    expect(stages).toEqual(expect.arrayContaining(['validate', 'score']));
  });
});

describe('all real records', () => {
  const data = path.join(import.meta.dirname, '../node_modules/vega-datasets/data');
  const read = (file: string) => JSON.parse(readFileSync(path.join(data, file), 'utf8'));

  it.each([
    { name: 'earthquakes', records: () => read('earthquakes.json').features, count: 1_707 },
    { name: 'flights', records: () => read('flights-2k.json'), count: 2_000 },
    { name: 'flights', records: () => read('flights-20k.json'), count: 20_000 },
  ])('of $name ($count) are delivered, and survive Avro', ({ name, records, count }) => {
    const dataset = datasets.get(name);
    if (!dataset) throw new Error(`no dataset ${name}`);
    const list: readonly unknown[] = records();

    const refused = list.map((record) => verdictOf(dataset, record)).filter((verdict) => verdict !== undefined);
    const changed = list.filter((record) => {
      const once = dataset.encodeAvro(record);
      return Buffer.compare(dataset.encodeAvro(dataset.decodeAvro(once)), once) !== 0;
    });

    expect(list).toHaveLength(count);
    expect(refused).toEqual([]);
    expect(changed).toEqual([]);
  });

  it('have distinct identities where the source numbers its events', () => {
    const { id } = datasets.get('earthquakes')?.definition ?? {};
    const features: readonly unknown[] = read('earthquakes.json').features;

    expect(new Set(features.map((feature) => id?.(feature))).size).toBe(features.length);
  });
});
