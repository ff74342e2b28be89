/** A dataset that misbehaves on request: `mode` says how its functions act on a record. */
import { defineDataset } from '../../../schemas/define-dataset.ts';

export interface ProbeIn {
  mode: string;
  at: number;
  count: number;
  colour: 'red' | 'blue';
  items: number[];
  text: string | null;
}

export interface ProbeOut {
  mode: string;
  at: number;
  text: string | null;
}

const timestamp = { type: 'long', logicalType: 'timestamp-millis' } as const;

export const probe = defineDataset<ProbeIn, ProbeOut>({
  name: 'probe',
  schema: {
    type: 'record',
    name: 'Probe',
    fields: [
      { name: 'mode', type: 'string' },
      { name: 'at', type: timestamp },
      { name: 'count', type: 'int', default: 0 },
      { name: 'colour', type: { type: 'enum', name: 'Colour', symbols: ['red', 'blue'] }, default: 'red' },
      { name: 'items', type: { type: 'array', items: 'int' }, default: [] },
      { name: 'text', type: ['null', 'string'], default: null },
    ],
  },
  output: {
    type: 'record',
    name: 'ProbeRow',
    fields: [
      { name: 'mode', type: 'string' },
      { name: 'at', type: timestamp },
      { name: 'text', type: ['null', 'string'] },
    ],
  },
  quality: 'Rules = [ ColumnValues "mode" != "poor", ColumnValues "mode" != "poor", ColumnValues "mode" != "odd" ]',
  eventTime: (record) => {
    if (record.mode === 'eventTime throws') throw new Error('no time');
    return record.mode === 'eventTime is NaN' ? Number.NaN : record.at;
  },
  eventTimeWindow: { from: '2020-01-01', aheadOfNow: 'PT1H' },
  partition: 'day',
  id: (record) => {
    if (record.mode === 'id throws') throw new Error('no id');
    // What a definition without types can do.
    if (record.mode === 'id gives a number') return JSON.parse('7');
    return `${record.mode}/${record.at}`;
  },
  key: (record) => record.mode,
  transform: (record) => {
    const output: ProbeOut = { mode: record.mode, at: record.at, text: record.text };
    switch (record.mode) {
      case 'throws':
        throw new RangeError('too much');
      case 'throws no error':
        // What a library written without care does.
        throw 'text';
      case 'drops':
        return { drop: 'not wanted' };
      case 'frozen':
        return Object.freeze(output);
      case 'getter throws':
        return Object.defineProperty(output, 'text', {
          enumerable: true,
          get: () => {
            throw new Error('no text');
          },
        });
      case 'bad output':
        return { ...output, at: Number.NaN };
      case 'large output':
        return { ...output, text: 'x'.repeat(record.count) };
      default:
        return output;
    }
  },
  unknownFields: 'report',
  qualityThreshold: 0.5,
});

/** A record that is delivered, unless its mode says otherwise. */
export function probeRecord(mode: string, more: Partial<ProbeIn> = {}): ProbeIn {
  return { mode, at: Date.UTC(2026, 5, 1, 11), count: 0, colour: 'red', items: [], text: null, ...more };
}

/** As plain JSON of the default dataset. */
export function probeJson(mode: string, more: Partial<ProbeIn> = {}): Buffer {
  return Buffer.from(JSON.stringify(probeRecord(mode, more)));
}
