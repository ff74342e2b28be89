/** A dataset with a field of each kind that files write in their own way. */
import { defineDataset } from '../../../schemas/define-dataset.ts';

const optional = (type: unknown) => ['null', type];

export const everyType = defineDataset<Record<string, unknown>, Record<string, unknown>>({
  name: 'every_type',
  schema: JSON.parse(
    JSON.stringify({
      type: 'record',
      name: 'EveryType',
      fields: [
        { name: 'flag', type: optional('boolean'), default: null },
        { name: 'whole', type: optional('long'), default: null },
        { name: 'real', type: optional('double'), default: null },
        { name: 'day', type: optional({ type: 'int', logicalType: 'date' }), default: null },
        { name: 'moment', type: optional({ type: 'long', logicalType: 'timestamp-millis' }), default: null },
        { name: 'micros', type: optional({ type: 'long', logicalType: 'timestamp-micros' }), default: null },
        {
          name: 'price',
          type: optional({ type: 'bytes', logicalType: 'decimal', precision: 38, scale: 2 }),
          default: null,
        },
        { name: 'tags', type: optional({ type: 'array', items: 'string' }), default: null },
        { name: 'counts', type: optional({ type: 'map', values: 'int' }), default: null },
        { name: 'name', type: optional('string'), default: null },
        { name: 'raw', type: optional('bytes'), default: null },
        { name: 'size', type: optional({ type: 'enum', name: 'Size', symbols: ['S', 'M'] }), default: null },
        {
          name: 'place',
          type: optional({
            type: 'record',
            name: 'Place',
            fields: [
              { name: 'city', type: optional('string'), default: null },
              { name: 'since', type: optional({ type: 'int', logicalType: 'date' }), default: null },
              {
                name: 'fee',
                type: optional({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 }),
                default: null,
              },
            ],
          }),
          default: null,
        },
      ],
    }),
  ),
  output: { type: 'record', name: 'EveryTypeRow', fields: [{ name: 'name', type: ['null', 'string'] }] },
  quality: 'Rules = [ IsComplete "name" ]',
  eventTime: () => 0,
  eventTimeWindow: { from: '1970-01-01', aheadOfNow: 'P1D' },
  partition: 'day',
  id: () => 'id',
  key: () => 'key',
  transform: ({ name }) => ({ name }),
});
