/**
 * A CloudEvent that stands for many: with the extension `databatch` true, its `data_base64` is a JSON array, and each element
 * the data of an event of its own. So who puts a batch need not look into it: the API puts the very bytes that a client sent.
 *
 * The events have the attributes of the envelope, and `<id>/<index>` as their id. Each is judged by itself, and its bytes
 * are a CloudEvent by itself, of the element as it was written: they can be put again.
 */
import type { Dataset } from '../../schemas/dataset.ts';
import { describe } from '../../schemas/describe.ts';
import {
  type Attributes,
  attributeFault,
  findContentFault,
  JSON_CONTENT,
  originOf,
  readBase64,
  text,
} from './cloud-event-attributes.ts';
import type { DecodeFault, Outcomes } from './outcomes.ts';
import { parseJson } from './parse-json.ts';
import { findElementBounds } from './scan-json.ts';

/**
 * Bytes of the attributes that each event has. Each may become a row of `failed_events` with them, so that what a record
 * can demand is bounded: `EVENTS_PER_RECORD_MAX`.
 */
export const BATCH_ATTRIBUTES_BYTES_MAX = 2_048;

/** @param attributes of a valid CloudEvent of the dataset */
export function decodeDataBatch(
  attributes: Attributes,
  dataset: Dataset,
  bytes: () => Buffer,
  outcomes: Outcomes,
): void {
  const origin = originOf(attributes);
  const batch = readBatch(attributes);
  if ('fault' in batch) {
    outcomes.pushFault(batch.fault, bytes, dataset.name, origin);
    return;
  }
  const { elements, json, shared } = batch;
  if (!outcomes.hasRoomFor(elements.length, bytes)) return;
  outcomes.hold(json.length);
  const id = text(attributes.id) ?? '';
  // They are looked for when the first failure asks for its bytes.
  let bounds: readonly number[] | undefined;
  for (let i = 0; i < elements.length; i++) {
    outcomes.pushEvent({
      dataset,
      value: elements[i],
      conforms: false,
      source: origin.source ?? '',
      id: `${id}/${i}`,
      runId: origin.runId,
      chunkId: origin.chunkId,
      traceId: origin.traceId,
      schemaVersion: dataset.schemaVersion,
      bytes: () => {
        bounds ??= findElementBounds(json);
        const prefix = `{"id":${JSON.stringify(`${id}/${i}`)},${shared},"data":`;
        return Buffer.concat([Buffer.from(prefix), json.subarray(bounds[i * 2], bounds[i * 2 + 1]), Buffer.from('}')]);
      },
    });
  }
}

type Batch =
  | {
      readonly elements: readonly unknown[];
      /** What the elements stand in. */
      readonly json: Buffer;
      /** The attributes that the events have in common, as members of a JSON object. */
      readonly shared: string;
    }
  | { readonly fault: DecodeFault };

function readBatch(attributes: Attributes): Batch {
  const { id, data, data_base64: base64, databatch: _databatch, ...common } = attributes;
  const shared = JSON.stringify(common).slice(1, -1);
  const attributeBytes = Buffer.byteLength(shared) + Buffer.byteLength(JSON.stringify(id));
  if (attributeBytes > BATCH_ATTRIBUTES_BYTES_MAX) {
    const expected = `attributes of at most ${BATCH_ATTRIBUTES_BYTES_MAX} bytes beside it`;
    return { fault: attributeFault('databatch', expected, `${attributeBytes} bytes`) };
  }
  const json = data === undefined || data === null ? readBase64(base64) : undefined;
  if (json === undefined) {
    return { fault: attributeFault('data_base64', 'a JSON array in base64, and no data', base64) };
  }
  const contentFault = findContentFault(attributes, [JSON_CONTENT], 'application/json');
  if (contentFault !== undefined) return { fault: contentFault };
  const parsed = parseJson(json, 0, json.length);
  if ('fault' in parsed) return { fault: { ...parsed.fault, path: 'data_base64' } };
  const elements = parsed.value;
  if (!Array.isArray(elements)) {
    return { fault: attributeFault('data_base64', 'a JSON array', elements) };
  }
  if (elements.length > 0) return { elements, json, shared };
  const fault: DecodeFault = {
    code: 'EMPTY_PAYLOAD',
    path: 'data_base64',
    expected: 'one event or more',
    received: describe(elements),
    message: 'The batch holds no event.',
  };
  return { fault };
}
