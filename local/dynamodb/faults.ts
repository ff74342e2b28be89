/** Faults that tests switch on: what AWS and networks do now and then, on demand. */
import { AwsError } from '../service.ts';
import { transactionCanceled } from './dynamodb-error.ts';

export interface Faults {
  /** Answers every operation with InternalServerError (500), and does nothing. */
  unavailable(on: boolean): void;
  /**
   * Answers reads and writes of items, with the probability `rate` (0 to 1), by ProvisionedThroughputExceededException, and
   * does nothing. 0 ends it.
   */
  throttle(rate: number, random?: () => number): void;
  /** Does what writes ask for, and with the probability `rate` answers InternalServerError (500) all the same. 0 ends it. */
  loseAnswers(rate: number, random?: () => number): void;
  /**
   * Cancels TransactWriteItems with the probability `rate`, as if another transaction were at work on its first item. 0
   * ends it.
   */
  conflict(rate: number, random?: () => number): void;
}

export interface FaultSwitch extends Faults {
  /** @throws AwsError `InternalServerError` while unavailable */
  readonly checkAvailable: () => void;
  /** @throws AwsError `ProvisionedThroughputExceededException` when this request is to be throttled */
  readonly checkThroughput: () => void;
  /** @throws AwsError `InternalServerError` when this answer is to be lost */
  readonly checkAnswer: () => void;
  /** @throws AwsError `TransactionCanceledException` when this transaction is to meet another */
  readonly checkConflict: (actions: number) => void;
}

interface Chance {
  readonly rate: number;
  readonly random: () => number;
}

export function createFaultSwitch(): FaultSwitch {
  const never: Chance = { rate: 0, random: Math.random };
  let throttling = never;
  let loss = never;
  let collision = never;
  let down = false;
  const happens = ({ rate, random }: Chance): boolean => rate > 0 && random() < rate;
  const failure = () => new AwsError('InternalServerError', 'Internal server error', 500);
  return {
    unavailable(on) {
      down = on;
    },
    throttle(rate, random = Math.random) {
      throttling = { rate, random };
    },
    loseAnswers(rate, random = Math.random) {
      loss = { rate, random };
    },
    conflict(rate, random = Math.random) {
      collision = { rate, random };
    },
    checkAvailable() {
      if (down) throw failure();
    },
    checkThroughput() {
      if (!happens(throttling)) return;
      const message = 'The level of configured provisioned throughput for the table was exceeded.';
      throw new AwsError('ProvisionedThroughputExceededException', message);
    },
    checkAnswer() {
      if (happens(loss)) throw failure();
    },
    checkConflict(actions) {
      if (!happens(collision)) return;
      const met = { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' };
      throw transactionCanceled([met, ...Array.from({ length: actions - 1 }, () => ({ Code: 'None' }))]);
    },
  };
}
