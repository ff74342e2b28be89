/**
 * Avro single-object encoding: `C3 01`, the CRC-64-AVRO fingerprint of the writer's schema, little-endian, and the
 * body (Avro specification 1.12, "Single-object encoding"). What decodes conforms to the schema by construction.
 */
import type { Dataset } from '../../schemas/dataset.ts';
import { fingerprintAt, quoted } from './decode-context.ts';
import type { DecodeFault, Outcomes } from './outcomes.ts';
import { describeBytes, type Payload } from './payload.ts';

const HEADER_BYTES = 10;

export function decodeAvro(payload: Payload, outcomes: Outcomes): void {
  const read = readSingleObject(payload, outcomes.context.datasetByFingerprint);
  if ('fault' in read) outcomes.pushFault(read.fault, payload.bytes, read.dataset?.name);
  else outcomes.pushBare(read.dataset, read.value, true, payload.bytes);
}

export type SingleObject =
  | { readonly dataset: Dataset; readonly value: unknown }
  | { readonly dataset: Dataset | undefined; readonly fault: DecodeFault };

/** Reads one single-object encoding, header included. Never throws. */
export function readSingleObject(
  { data, start, end }: Payload,
  datasetByFingerprint: ReadonlyMap<bigint, Dataset>,
): SingleObject {
  const received = (): string => describeBytes(data, start, end);
  if (end - start < HEADER_BYTES) {
    const fault: DecodeFault = {
      code: 'INVALID_AVRO',
      expected: `a header of ${HEADER_BYTES} bytes and a body`,
      received: received(),
      message: 'The payload starts as Avro single-object encoding but ends inside its header.',
    };
    return { dataset: undefined, fault };
  }
  const fingerprint = fingerprintAt(data, start);
  const dataset = datasetByFingerprint.get(fingerprint);
  if (dataset === undefined) {
    const known = [...datasetByFingerprint.values()].map(({ schemaVersion, name }) => `${schemaVersion} (${name})`);
    const fault: DecodeFault = {
      code: 'UNKNOWN_SCHEMA',
      expected: `the CRC-64-AVRO fingerprint ${known.join(' or ')}`,
      received: fingerprint.toString(16).padStart(16, '0'),
      message: 'The payload was written with an Avro schema that no dataset has.',
    };
    return { dataset, fault };
  }
  try {
    return { dataset, value: dataset.decodeAvro(data.subarray(start + HEADER_BYTES, end)) };
  } catch (error) {
    const fault: DecodeFault = {
      code: 'INVALID_AVRO',
      expected: `one datum of the schema of ${quoted([dataset.name])}`,
      received: received(),
      message: `The body does not decode: ${Error.isError(error) ? error.message : 'an unknown error'}.`,
    };
    return { dataset, fault };
  }
}
