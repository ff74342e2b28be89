/** How records get onto the stream: all that a program that puts them needs, and nothing else. docs/producers.md */
export { createKinesisPutRecords, type KinesisPutRecordsOptions } from './adapters/kinesis-put-records.ts';
export type { EventOptions, Unfit } from './producer/encode-event.ts';
export type { EventProducerMetrics } from './producer/event-meter.ts';
export { createProducer, type Producer } from './producer/producer.ts';
export { ProducerError, type ProducerMetrics } from './producer/producer-metrics.ts';
export type { ProducerClock, ProducerOptions } from './producer/producer-options.ts';
export {
  PutEventsError,
  type PutEventsProgress,
  type PutEventsResult,
  type RefusedRecord,
  type UnacceptedRecord,
} from './producer/put-events-result.ts';
export type { PutReceipt } from './producer/put-receipt.ts';
export {
  type PutRecordsEntry,
  PutRecordsError,
  type PutRecordsPort,
  type PutRecordsResult,
  type ShardRange,
} from './producer/put-records-port.ts';
export type { WhenRefused } from './producer/run-call.ts';
export {
  createEventProducer,
  type EventProducer,
  type EventProducerOptions,
  type PutEventsOptions,
} from './put-events.ts';
