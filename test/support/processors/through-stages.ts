/** Runs the bytes of one Kinesis record through all stages, as the batch does. */

import { type DecodeStage, decode } from '../../../processors/stages/decode.ts';
import type { Item } from '../../../processors/stages/items.ts';
import { createPipelineColumns } from '../../../processors/stages/pipeline-columns.ts';
import { type Routed, type RouteStage, route } from '../../../processors/stages/route.ts';
import { score } from '../../../processors/stages/score.ts';
import { transform } from '../../../processors/stages/transform.ts';
import { validate } from '../../../processors/stages/validate.ts';
import type { Dataset } from '../../../schemas/dataset.ts';
import { datasets } from '../../../schemas/index.ts';
import { formatTimestamp } from '../../../schemas/timestamp.ts';
import { createDecodeContext } from '../../../streams/codecs/decode-context.ts';
import { createEventIdentity } from '../../../streams/event-id.ts';
import { createRecordIdentity } from '../../../streams/position.ts';
import { ARRIVED_AT_MS, sequenceOf } from './kinesis-event.ts';
import { probe } from './probe-dataset.ts';

export const EVALUATED_AT_MS = ARRIVED_AT_MS + 1_000;
export const QUALITY_THRESHOLD = 0.85;

export const ROUTE_STAGE: RouteStage = {
  columns: createPipelineColumns(createEventIdentity()),
  processedAt: formatTimestamp(EVALUATED_AT_MS),
  payloadUri: (recordId) => `s3://archive/failed-payloads/${recordId}`,
};

/** All datasets that ship, and the probe; plain JSON belongs to `defaultDataset`. */
export function decodeStage(defaultDataset: string = probe.name): DecodeStage {
  return {
    context: createDecodeContext({
      datasets: [...datasets.values(), probe],
      defaultDataset,
      defaultSource: '/streams/data-pipeline-stream',
    }),
    identity: createRecordIdentity('data-pipeline-stream'),
  };
}

export function decoded(data: Uint8Array, defaultDataset?: string): Item[] {
  const items: Item[] = [];
  const record = {
    shardId: 'shardId-000000000000',
    sequenceNumber: sequenceOf(0),
    partitionKey: 'key',
    data: Buffer.from(data),
    arrivedAtMs: ARRIVED_AT_MS,
  };
  decode(decodeStage(defaultDataset), record, 0, items);
  return items;
}

export function throughStages(data: Uint8Array, defaultDataset?: string): Routed[] {
  return throughStagesOf(decoded(data, defaultDataset));
}

export function throughStagesOf(items: readonly Item[]): Routed[] {
  return items.map((item) => route(score(transform(validate(item)), QUALITY_THRESHOLD), ROUTE_STAGE));
}

/** A routed document's content. */
export function rowOf(routed: Routed | undefined): Record<string, unknown> {
  if (routed === undefined || !('document' in routed)) throw new Error(`no document: ${JSON.stringify(routed)}`);
  const { json, columns } = routed.document;
  const rest = Buffer.alloc(columns?.bytes ?? 0);
  columns?.write(rest, 0);
  return JSON.parse(json + rest.toString());
}

/** @throws when there is no such dataset */
export function datasetNamed(name: string): Dataset {
  const dataset = datasets.get(name);
  if (!dataset) throw new Error(`no dataset ${name}`);
  return dataset;
}
