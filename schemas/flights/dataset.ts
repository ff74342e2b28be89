/** Domestic flights of the United States with their delays: flat records, millions of them. */
import { defineDataset } from '../define-dataset.ts';
import { type In, type Out, output, quality, schema } from './flights.gen.ts';

export default defineDataset<In, Out>({
  name: 'flights',
  schema,
  output,
  quality,
  eventTime: (flight) => flight.date,
  // Airlines have reported delays since 1987.
  eventTimeWindow: { from: '1987-01-01', aheadOfNow: 'P1D' },
  // The data spans 4,282 hours; Firehose holds 500 active partitions.
  partition: 'day',
  // The source numbers nothing: a flight is what all its fields say.
  id: ({ date, delay, distance, origin, destination }) => `${date}/${origin}/${destination}/${distance}/${delay}`,
  key: (flight) => flight.origin || 'unknown',
  keyField: 'origin',
  transform: (flight) => ({
    scheduled_at: flight.date,
    delay_minutes: flight.delay,
    distance_miles: flight.distance,
    origin: flight.origin,
    destination: flight.destination,
  }),
});
