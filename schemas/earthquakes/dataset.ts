/** Earthquakes of the USGS feed: nested GeoJSON features in, flat rows out. */
import { defineDataset } from '../define-dataset.ts';
import { type In, type Out, output, quality, schema } from './earthquakes.gen.ts';

export default defineDataset<In, Out>({
  name: 'earthquakes',
  schema,
  output,
  quality,
  eventTime: (feature) => feature.properties.time,
  // The feed's catalogue is world-wide from about 1960 on.
  eventTimeWindow: { from: '1960-01-01', aheadOfNow: 'P1D' },
  partition: 'day',
  files: { recordPath: 'features' },
  // An event is described again whenever it is reviewed: each description is an event of its own.
  id: (feature) => `${feature.id}/${feature.properties.updated}`,
  // Descriptions of one earthquake keep their order.
  key: (feature) => feature.id.slice(0, PARTITION_KEY_CHARACTERS_MAX) || 'unknown',
  keyField: 'id',
  transform: ({ id, properties, geometry }) => {
    // Fewer than three coordinates leave NaN, which the output schema refuses by its column.
    const [longitude = Number.NaN, latitude = Number.NaN, depthKm = Number.NaN] = geometry.coordinates;
    return {
      id,
      occurred_at: properties.time,
      updated_at: properties.updated,
      magnitude: properties.mag,
      magnitude_type: properties.magType,
      place: properties.place,
      longitude,
      latitude,
      depth_km: depthKm,
      event_type: properties.type,
      status: properties.status,
      alert: properties.alert,
      tsunami: properties.tsunami !== 0,
      significance: properties.sig,
      felt_reports: properties.felt,
      reported_intensity: properties.cdi,
      estimated_intensity: properties.mmi,
      stations: properties.nst,
      nearest_station_degrees: properties.dmin,
      residual_seconds: properties.rms,
      gap_degrees: properties.gap,
      network: properties.net,
      sources: listed(properties.sources),
      url: properties.url,
    };
  },
  schedules: [
    {
      name: 'usgs',
      expression: 'rate(1 hour)',
      // Features of the past hour, in a document of about 10 KB; those of a quiet hour come again as the same document.
      pull: {
        kind: 'http',
        url: 'https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/all_hour.geojson',
        bytesMax: 16 * 1024 * 1024,
        timeoutMs: 30_000,
      },
      // An example: nothing of this repository calls out by itself.
      enabled: false,
    },
  ],
});

/** Characters of a partition key: Kinesis API, `PutRecordsRequestEntry.PartitionKey`. */
const PARTITION_KEY_CHARACTERS_MAX = 256;

/** The feed writes lists as `,ci,us,`. */
function listed(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}
