/** Small datasets, by day, by hour and with each event once, whose records act as their `mode` says. */
import type { Dataset } from '../../schemas/dataset.ts';
import { defineDataset } from '../../schemas/define-dataset.ts';

export interface SimulatedIn {
  readonly id: string;
  readonly key: string;
  readonly at: number;
  /** `good`, `odd` (scores 2/3), `throws`, `drop` or `poison`. */
  readonly mode: string;
}

const timestamp = { type: 'long', logicalType: 'timestamp-millis' } as const;

/** Score of a record whose mode is `odd`. */
export const ODD_SCORE = 2 / 3;

function define(name: string, partition: 'day' | 'hour', deduplicate: 'position' | 'event' = 'position'): Dataset {
  const fields = [
    { name: 'id', type: 'string' },
    { name: 'key', type: 'string' },
    { name: 'at', type: timestamp },
    { name: 'mode', type: 'string' },
  ] as const;
  return defineDataset<SimulatedIn, SimulatedIn>({
    name,
    schema: { type: 'record', name: `${name}_in`, fields: [...fields] },
    output: { type: 'record', name: `${name}_out`, fields: [...fields] },
    quality: 'Rules = [ ColumnLength "id" > 0, ColumnLength "key" > 0, ColumnValues "mode" != "odd" ]',
    eventTime: (record) => record.at,
    eventTimeWindow: { from: '2020-01-01', aheadOfNow: 'P1D' },
    partition,
    deduplicate,
    id: (record) => record.id,
    key: (record) => record.key,
    transform: ({ id, key, at, mode }) => {
      if (mode === 'throws') throw new RangeError('as its mode says');
      if (mode === 'drop') return { drop: 'as its mode says' };
      return { id, key, at, mode };
    },
  });
}

/** The dataset of plain JSON. */
export const orders = define('orders', 'day');
export const readings = define('readings', 'hour');
/** Each event counts once, however often it is put. */
export const payments = define('payments', 'day', 'event');

/**
 * The datasets for one process, whose memory a record of mode `poison` is too much for.
 * @param onPoison called when such a record is transformed: the process ends there, whatever the code around it does
 */
export function datasetsOfProcess(onPoison: () => void): readonly Dataset[] {
  return [orders, readings, payments].map((dataset): Dataset => {
    const { transform } = dataset.definition;
    return {
      ...dataset,
      definition: {
        ...dataset.definition,
        transform(record, context) {
          if (modeOf(record) === 'poison') {
            onPoison();
            throw new Error('out of memory');
          }
          return transform(record, context);
        },
      },
    };
  });
}

function modeOf(record: unknown): unknown {
  return typeof record === 'object' && record !== null && 'mode' in record ? record.mode : undefined;
}
