/** Faults that tests switch on: what AWS does now and then, on demand. */
import { AwsError } from '../service.ts';

export interface Faults {
  /** Rejects each entry with the probability `rate` (0 to 1), by ServiceUnavailableException; 0 ends it. */
  rejectEntries(rate: number, random?: () => number): void;
  /** Answers every put with ServiceUnavailableException (503). */
  unavailable(on: boolean): void;
}

export interface FaultSwitch extends Faults {
  /** @throws AwsError `ServiceUnavailableException` while unavailable */
  readonly checkAvailable: () => void;
  readonly rejects: () => boolean;
}

/** The code and message that an entry is rejected with (https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html). */
export const REJECTED = { code: 'ServiceUnavailableException', message: 'Slow down.' };

export function createFaultSwitch(): FaultSwitch {
  let rejectRate = 0;
  let draw: () => number = Math.random;
  let down = false;
  return {
    rejectEntries(rate, random = Math.random) {
      rejectRate = rate;
      draw = random;
    },
    unavailable(on) {
      down = on;
    },
    checkAvailable() {
      if (down) throw new AwsError(REJECTED.code, 'The service is unavailable.', 503);
    },
    rejects: () => rejectRate > 0 && draw() < rejectRate,
  };
}
