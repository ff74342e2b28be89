/** Puts records of many calls through one producer, as fast as it has room. */
import type { EventMeter } from './event-meter.ts';
import type { Producer } from './producer.ts';
import type { CallReceipt } from './put-call.ts';

/** @returns `undefined`, or a promise of the record's being put, where that has to wait for room */
export type PacedPut = (receipt: CallReceipt) => Promise<void> | undefined;

/**
 * @param waitingRecordsMax records that may wait to be accepted: each takes memory beside its bytes, which the producer
 *   bounds
 */
export function createPacedPut(producer: Producer, meter: EventMeter, waitingRecordsMax: number): PacedPut {
  /** What the last put asked to be awaited. */
  let room: Promise<void> | undefined;

  function putNow(receipt: CallReceipt): void {
    const { data, partitionKey } = receipt.event;
    room = producer.putBytes(data, partitionKey, receipt) ?? room;
    receipt.put();
  }

  async function putWhenRoom(receipt: CallReceipt): Promise<void> {
    // Many calls may wait for the same room; the first may have filled it again when the second looks.
    while (room !== undefined || meter.waiting >= waitingRecordsMax) {
      const awaited = room;
      await (awaited ?? producer.flush());
      if (room === awaited) room = undefined;
    }
    putNow(receipt);
  }

  return (receipt) => {
    if (room !== undefined || meter.waiting >= waitingRecordsMax) return putWhenRoom(receipt);
    putNow(receipt);
    return undefined;
  };
}
