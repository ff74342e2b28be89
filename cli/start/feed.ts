/**
 * Feeds real records: earthquakes as plain JSON and as CloudEvents, flights as Avro in KPL aggregates, and now and then a
 * flawed one. Everything goes through the endpoint, as a producer's records would.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataset } from '../../schemas/dataset.ts';
import { isRecord } from '../../schemas/describe.ts';
import { datasets } from '../../schemas/index.ts';
import { createKinesisPutRecords, createProducer, type Producer } from '../../streams/index.ts';
import { earthquakeFeatures, flights2k } from '../../streams/sources/vega.ts';
import type { Clients } from './clients.ts';
import { flawedRecords } from './flawed-records.ts';
import { STREAM } from './names.ts';

export interface Feed {
  /** Events put so far: those that the stream accepted, or that are on their way to it. */
  readonly put: () => number;
  /** Puts every record of the demonstration once, and waits until the stream has accepted them. */
  demonstration(): Promise<number>;
  /** Puts records at a steady rate until the signal; then waits until the stream has accepted them. */
  live(signal: AbortSignal): Promise<number>;
}

/** Live events a second: enough to see them flow, little enough to run all day. */
const LIVE_EVENTS_PER_SECOND = 40;
const LIVE_TICK_MS = 250;
/** One in this many live events is flawed. */
const LIVE_FLAWED_EVERY = 200;
/** One in this many earthquakes is sent as a CloudEvent. */
const CLOUD_EVENT_EVERY = 3;

export async function createFeed(clients: Clients): Promise<Feed> {
  const producer = await createProducer({ port: createKinesisPutRecords(clients.kinesis), streamName: STREAM });
  const features = (await Array.fromAsync(earthquakeFeatures())).filter(isRecord);
  const flights = (await Array.fromAsync(flights2k())).map((flight) => conforming(datasetOf('flights'), flight));
  const [first] = features;
  if (!first) throw new Error('vega-datasets has no earthquakes');
  const flawed = flawedRecords(first, datasetOf('flights'));
  let put = 0;

  async function putEarthquake(index: number): Promise<void> {
    const feature = features[index % features.length] ?? first;
    const bytes = index % CLOUD_EVENT_EVERY === 0 ? cloudEvent(feature, index) : JSON.stringify(feature);
    await producer.putBytes(Buffer.from(bytes), String(feature?.id));
    put += 1;
  }

  async function putFlight(index: number): Promise<void> {
    await producer.put(datasetOf('flights'), flights[index % flights.length]);
    put += 1;
  }

  async function putFlawed(index: number): Promise<void> {
    const record = flawed[index % flawed.length];
    if (!record) return;
    await producer.putBytes(record.data, `flawed-${index}`);
    put += 1;
  }

  return {
    put: () => put,
    async demonstration() {
      const steps = Math.max(features.length, flights.length);
      const flawedEvery = Math.floor(steps / flawed.length);
      for (let step = 0; step < steps; step++) {
        if (step < features.length) await putEarthquake(step);
        if (step < flights.length) await putFlight(step);
        if (step % flawedEvery === 0 && step / flawedEvery < flawed.length) await putFlawed(step / flawedEvery);
      }
      await closed(producer);
      return put;
    },
    async live(signal) {
      const perTick = (LIVE_EVENTS_PER_SECOND * LIVE_TICK_MS) / 1000;
      for (let step = 0; !signal.aborted; await sleep(LIVE_TICK_MS)) {
        for (const end = step + perTick; step < end; step++) {
          if (step % LIVE_FLAWED_EVERY === LIVE_FLAWED_EVERY - 1) await putFlawed(Math.floor(step / LIVE_FLAWED_EVERY));
          else if (step % 2 === 0) await putEarthquake(step / 2);
          else await putFlight((step - 1) / 2);
        }
      }
      await closed(producer);
      return put;
    },
  };
}

/** What the stream has accepted must be all that was put: anything else is said, not hidden. */
async function closed(producer: Producer): Promise<void> {
  const metrics = await producer.close();
  if (metrics.userRecordsAccepted !== metrics.userRecordsPut) {
    throw new Error(`the stream accepted ${metrics.userRecordsAccepted} of ${metrics.userRecordsPut} records`);
  }
}

function datasetOf(name: string): Dataset {
  const dataset = datasets.get(name);
  if (!dataset) throw new Error(`dataset: received ${name}, allowed: ${[...datasets.keys()].join(', ')}`);
  return dataset;
}

/** JSON spells dates as text; the producer takes canonical records. */
function conforming(dataset: Dataset, record: unknown): unknown {
  const failure = dataset.validateInput(record);
  if (failure) throw new Error(`${dataset.name}: ${failure.message}`);
  return record;
}

function cloudEvent(feature: unknown, index: number): string {
  return JSON.stringify({
    specversion: '1.0',
    id: `usgs-${index}`,
    source: '/usgs/earthquakes',
    type: 'earthquakes',
    datacontenttype: 'application/json',
    data: feature,
  });
}
