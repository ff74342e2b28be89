/** The account of one call of `putEvents`: what became of every record that it took. */
import type { EncodedEvent, Unfit } from './encode-event.ts';
import type { EventMeter } from './event-meter.ts';
import type { ProducerError } from './producer-metrics.ts';
import type { ProducerClock } from './producer-options.ts';
import type { PutEventsProgress, RefusedRecord, UnacceptedRecord } from './put-events-result.ts';
import type { PutReceipt } from './put-receipt.ts';
import { Stop } from './take-records.ts';

export class PutCall {
  /** Ends the reading of the input. */
  readonly stop = new Stop();
  /** Records taken from the input; the next one's position. */
  taken = 0;
  private readonly meter: EventMeter;
  private readonly clock: ProducerClock;
  private accepted = 0;
  private refusedCount = 0;
  private readonly refused: RefusedRecord[] = [];
  /** Taken to be put and not accepted, in the order of their positions. */
  private readonly unsettled = new Set<CallReceipt>();
  /** Of them, those that the producer has. */
  private put = 0;
  private error: ProducerError | undefined;
  private waiter: { readonly resolve: () => void; readonly reject: (error: ProducerError) => void } | undefined;

  constructor(meter: EventMeter, clock: ProducerClock) {
    this.meter = meter;
    this.clock = clock;
  }

  /** Takes the next record, which is to be put: from now on it is named if it is not accepted. */
  take(event: EncodedEvent): CallReceipt {
    const receipt = new CallReceipt(this, this.taken++, event);
    this.unsettled.add(receipt);
    this.meter.taken++;
    return receipt;
  }

  /** Takes the next record, which is not to be put. */
  takeRefused(record: unknown, { message, failure }: Unfit): RefusedRecord {
    this.refusedCount++;
    this.meter.taken++;
    this.meter.refused++;
    return { position: this.taken++, record, message, failure };
  }

  /** Lists a refused record. @returns how many are listed */
  list(refused: RefusedRecord): number {
    return this.refused.push(refused);
  }

  countPut(receipt: CallReceipt): void {
    receipt.putAtMs = this.clock.now();
    this.put++;
    this.meter.waiting++;
  }

  countAccepted(receipt: CallReceipt): void {
    this.unsettled.delete(receipt);
    this.put--;
    this.accepted++;
    this.meter.countAccepted(this.clock.now() - receipt.putAtMs);
    if (this.put === 0) this.waiter?.resolve();
  }

  /** Nothing more becomes of any record. */
  fail(error: ProducerError): void {
    this.error = error;
    this.waiter?.reject(error);
    this.stop.stop();
  }

  /**
   * Resolves when each record that the producer has is accepted; to be called when it gets no more.
   *
   * @throws ProducerError when nothing more becomes of some
   */
  untilSettled(): Promise<void> {
    if (this.put === 0) return Promise.resolve();
    if (this.error !== undefined) return Promise.reject(this.error);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waiter = { resolve, reject };
    return promise;
  }

  progress(): PutEventsProgress {
    const { taken, accepted, refusedCount, refused } = this;
    return { taken, accepted, refusedCount, refused };
  }

  unaccepted(): UnacceptedRecord[] {
    return Array.from(this.unsettled, ({ position, mayBeOnStream }) => ({ position, mayBeOnStream }));
  }
}

/** A record that was taken to be put. */
export class CallReceipt implements PutReceipt {
  readonly position: number;
  readonly event: EncodedEvent;
  /** Epoch milliseconds. */
  putAtMs = 0;
  mayBeOnStream = false;
  private readonly call: PutCall;

  constructor(call: PutCall, position: number, event: EncodedEvent) {
    this.call = call;
    this.position = position;
    this.event = event;
  }

  /** The producer has it. */
  put(): void {
    this.call.countPut(this);
  }

  accepted(): void {
    this.call.countAccepted(this);
  }

  unanswered(): void {
    this.mayBeOnStream = true;
  }
}
