import { describe, expect, it } from '@jest/globals';
import type { DatasetDefinition } from './dataset.ts';
import { defineDataset } from './define-dataset.ts';

interface Tide {
  at: number;
}

const definition: DatasetDefinition<Tide, Tide> = {
  name: 'tides',
  schema: {
    type: 'record',
    name: 'Tide',
    fields: [{ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }],
  },
  output: {
    type: 'record',
    name: 'Row',
    fields: [{ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }],
  },
  quality: 'Rules = [ IsComplete "at" ]',
  eventTime: (tide) => tide.at,
  eventTimeWindow: { from: '1970-01-02', aheadOfNow: 'P1DT6H' },
  partition: 'day',
  id: (tide) => `${tide.at}`,
  key: () => 'tide',
  transform: (tide) => tide,
};

describe('defineDataset', () => {
  it('compiles what the stages need', () => {
    const dataset = defineDataset(definition);

    expect(dataset.eventTimeFromMs).toBe(86_400_000);
    expect(dataset.eventTimeAheadMsMax).toBe(30 * 3_600_000);
    expect(dataset.timestampFields).toEqual(['at']);
    expect(dataset.columns.map(({ name }) => name).slice(0, 2)).toEqual(['at', '_record_id']);
    expect(dataset.decodeAvro(dataset.encodeAvro({ at: 5 }))).toEqual({ at: 5 });
    expect(dataset.validateOutput({ at: 5, extra: 1 })).toMatchObject({
      stage: 'transform',
      code: 'INVALID_OUTPUT',
      path: 'extra',
    });
    expect(dataset.validateInput({ at: 5, extra: 1 })).toBeUndefined();
  });

  it('reports unknown fields of the input when the dataset asks for it', () => {
    const { validateInput } = defineDataset({ ...definition, unknownFields: 'report' });

    expect(validateInput({ at: 5, extra: 1 })).toMatchObject({
      stage: 'validate',
      code: 'UNKNOWN_FIELD',
      path: 'extra',
    });
  });

  it.each([
    [{ name: 'Tides' }, /dataset name: received "Tides", allowed: /],
    [{ name: 'failed_events' }, /dataset name: received "failed_events", allowed: any but/],
    [{ partition: 'week' }, /tides: partition: received "week", allowed: "day" or "hour"/],
    [
      { files: { recordPath: 'a..b' } },
      /tides: files.recordPath: received "a..b", allowed: property names joined by dots/,
    ],
    [{ files: { csvColumns: [] } }, /tides: files.csvColumns: received \[\], allowed: one name or more/],
    [{ files: { csvColumns: ['a', 'a'] } }, /files.csvColumns: received \["a","a"\]/],
    [{ files: { csvDelimiter: '"' } }, /files.csvDelimiter: received "\\"", allowed: one character of ASCII/],
    [{ files: { csvDelimiter: ';;' } }, /files.csvDelimiter/],
    [{ qualityThreshold: 85 }, /tides: qualityThreshold: received 85, allowed: a number from 0 to 1/],
    [{ qualityThreshold: Number.NaN }, /qualityThreshold/],
    [{ unknownFields: 'drop' }, /unknownFields: received "drop"/],
    [{ eventTimeWindow: { from: '1970-02-30', aheadOfNow: 'P1D' } }, /eventTimeWindow.from: received "1970-02-30"/],
    [{ eventTimeWindow: { from: '1970-01-01', aheadOfNow: 'P' } }, /eventTimeWindow.aheadOfNow: received "P"/],
    [{ eventTimeWindow: { from: '1970-01-01', aheadOfNow: 'P1DT' } }, /aheadOfNow/],
    [
      { eventTimeWindow: { from: '1970-01-01', aheadOfNow: 'P1M' } },
      /aheadOfNow: received "P1M", allowed: days and hours/,
    ],
    [{ transform: undefined }, /transform: received nothing, allowed: a function/],
    [{ schedules: [{ name: 'X' }] }, /tides: name of a schedule: received "X"/],
    [{ schema: 'long' }, /tides\/schema.avsc: received "long", allowed: a record/],
    [
      { output: { type: 'record', name: 'R', fields: [{ name: 'At', type: 'int' }] }, quality: 'Rules = []' },
      /tides\/output.avsc.At: column name/,
    ],
    [{ quality: 'Rules = [ IsComplete "depth" ]' }, /tides\/quality.dqdl: rule .* received column depth, allowed: at/],
  ])('refuses %j', (change, message) => {
    expect(() => defineDataset({ ...definition, ...change } as DatasetDefinition<Tide, Tide>)).toThrow(message);
  });
});
