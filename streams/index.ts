/** How records get onto the stream: the producer, its port on the SDK, and what its users meet. */
export { createKinesisPutRecords } from './adapters/kinesis-put-records.ts';
export { createProducer, type Producer } from './producer/producer.ts';
export { ProducerError, type ProducerMetrics } from './producer/producer-metrics.ts';
export type { ProducerClock, ProducerOptions } from './producer/producer-options.ts';
export {
  type PutRecordsEntry,
  PutRecordsError,
  type PutRecordsPort,
  type PutRecordsResult,
  type ShardRange,
} from './producer/put-records-port.ts';
