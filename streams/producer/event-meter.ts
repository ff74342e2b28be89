/** What an event producer counts beside its records' way to Kinesis. */
import type { ProducerMetrics } from './producer-metrics.ts';

/** Since the start. An event is a record that `putEvents` took; what else is counted, `ProducerMetrics` says. */
export interface EventProducerMetrics extends ProducerMetrics {
  readonly eventsTaken: number;
  readonly eventsRefused: number;
  /** Events that are put and not yet accepted. */
  readonly eventsWaiting: number;
  /** From put to accepted, milliseconds; 0 while none is accepted. */
  readonly acceptanceMsMean: number;
  readonly acceptanceMsMax: number;
}

export class EventMeter {
  taken = 0;
  refused = 0;
  waiting = 0;
  private accepted = 0;
  private acceptanceMsSum = 0;
  private acceptanceMsMax = 0;

  /** @param acceptanceMs from put to accepted */
  countAccepted(acceptanceMs: number): void {
    this.waiting--;
    this.accepted++;
    this.acceptanceMsSum += acceptanceMs;
    this.acceptanceMsMax = Math.max(this.acceptanceMsMax, acceptanceMs);
  }

  metrics(producer: ProducerMetrics): EventProducerMetrics {
    return {
      ...producer,
      eventsTaken: this.taken,
      eventsRefused: this.refused,
      eventsWaiting: this.waiting,
      acceptanceMsMean: this.accepted === 0 ? 0 : this.acceptanceMsSum / this.accepted,
      acceptanceMsMax: this.acceptanceMsMax,
    };
  }
}
