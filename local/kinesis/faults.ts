/** Faults that tests switch on: what AWS and networks do now and then, on demand. */
import { AwsError } from '../service.ts';

export interface Faults {
  /**
   * Rejects each entry of a put with the probability `rate` (0 to 1), by ProvisionedThroughputExceededException: inside
   * the answer of PutRecords, as the answer of PutRecord. 0 ends it.
   */
  rejectEntries(rate: number, random?: () => number): void;
  /** Answers every operation with InternalFailure (500), and does nothing. */
  unavailable(on: boolean): void;
  /** Does what puts ask for, and with the probability `rate` answers InternalFailure (500) all the same. 0 ends it. */
  loseAnswers(rate: number, random?: () => number): void;
}

export interface FaultSwitch extends Faults {
  /** @throws AwsError `InternalFailure` while unavailable */
  readonly checkAvailable: () => void;
  readonly rejects: () => boolean;
  /** @throws AwsError `InternalFailure` when this answer is to be lost */
  readonly checkAnswer: () => void;
}

interface Chance {
  readonly rate: number;
  readonly random: () => number;
}

export function createFaultSwitch(): FaultSwitch {
  const never: Chance = { rate: 0, random: Math.random };
  let rejection = never;
  let loss = never;
  let down = false;
  const happens = ({ rate, random }: Chance): boolean => rate > 0 && random() < rate;
  const failure = () => new AwsError('InternalFailure', 'Internal service failure.', 500);
  return {
    rejectEntries(rate, random = Math.random) {
      rejection = { rate, random };
    },
    unavailable(on) {
      down = on;
    },
    loseAnswers(rate, random = Math.random) {
      loss = { rate, random };
    },
    checkAvailable() {
      if (down) throw failure();
    },
    rejects: () => happens(rejection),
    checkAnswer() {
      if (happens(loss)) throw failure();
    },
  };
}
