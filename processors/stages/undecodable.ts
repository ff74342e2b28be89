import type { Failure } from '../../schemas/failure.ts';
import type { Failed, Origin } from './items.ts';

/** The one item of a record that cannot be decoded, with its original bytes. */
export function undecodable(
  origin: Origin,
  data: Buffer,
  fault: Pick<Failure, 'code' | 'expected' | 'received'>,
): Failed {
  const { expected, received } = fault;
  const message = `The Kinesis record is ${received}; expected ${expected}.`;
  const failure: Failure = { ...fault, stage: 'decode', path: '', message };
  const event = {
    kind: 'undecodable',
    failure,
    dataset: undefined,
    source: undefined,
    runId: undefined,
    chunkId: undefined,
    traceId: undefined,
    subsequenceNumber: 0,
    bytes: () => data,
  } as const;
  return { state: 'failed', origin, event, failure };
}
