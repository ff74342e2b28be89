/** Faults that tests switch on: what AWS does now and then, on demand. */
import { AwsError } from '../service.ts';

export interface Faults {
  /** Answers every request, and every put and get of other services, with ServiceUnavailable (503). */
  unavailable(on: boolean): void;
}

export interface FaultSwitch extends Faults {
  /** @throws AwsError `ServiceUnavailable` while unavailable */
  readonly checkAvailable: () => void;
}

export function createFaultSwitch(): FaultSwitch {
  let down = false;
  return {
    unavailable(on) {
      down = on;
    },
    checkAvailable() {
      // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
      if (down) throw new AwsError('ServiceUnavailable', 'Service is unable to handle request.', 503);
    },
  };
}
