/** Limits of PutRecords (docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html), and the KPL's habits. */
import { EVENTS_PER_RECORD_MAX } from '../codecs/decode-context.ts';

/** Entries in one PutRecords call. */
export const REQUEST_RECORDS_MAX = 500;

/** Bytes of one PutRecords call: the data before base64, and the partition keys. */
export const REQUEST_BYTES_MAX = 10 * 1024 * 1024;

/** Bytes of one record, data before base64 and partition key, unless the stream's `MaxRecordSizeInKiB` says more. */
export const RECORD_BYTES_MAX = 1024 * 1024;

/** Characters of a partition key; at least one. */
export const PARTITION_KEY_CHARACTERS_MAX = 256;

/** Bytes that an aggregate is filled to: `AggregationMaxSize` of the KPL's default configuration. */
export const AGGREGATE_BYTES_MAX = 51_200;

/** User records in one aggregate: more events than the pipeline takes from one Kinesis record would all be refused. */
export const AGGREGATE_RECORDS_MAX = EVENTS_PER_RECORD_MAX;

/** Time that any attempt gets, milliseconds, also the last before `retryForMs` is over. */
export const ATTEMPT_MS_MIN = 1_000;

/** How long a record waits for company, milliseconds: `RecordMaxBufferedTime` of the KPL's default configuration. */
export const LINGER_MS = 100;
