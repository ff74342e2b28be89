/**
 * The KPL aggregated record: magic, a protobuf message, and the MD5 of that message.
 *
 * ```
 * F3 89 9A C2 ‖ AggregatedRecord ‖ MD5, 16 bytes
 * AggregatedRecord { repeated string partition_key_table = 1; repeated string explicit_hash_key_table = 2; repeated Record records = 3 }
 * Record { required uint64 partition_key_index = 1; optional uint64 explicit_hash_key_index = 2; required bytes data = 3; repeated Tag tags = 4 }
 * ```
 *
 * Source: awslabs/amazon-kinesis-producer, `aggregation-format.md`.
 */

export const MAGIC_BYTES = 4;
export const CHECKSUM_BYTES = 16;

/** Bytes of an aggregate besides its message. */
export const AGGREGATE_FRAME_BYTES = MAGIC_BYTES + CHECKSUM_BYTES;

/** The magic as a big-endian 32-bit integer. */
export const MAGIC = 0xf3899ac2;

/** True when the bytes from `start` begin as an aggregate does; only the checksum tells whether they are one. */
export function hasAggregateMagic(data: Uint8Array, start = 0): boolean {
  return data[start] === 0xf3 && data[start + 1] === 0x89 && data[start + 2] === 0x9a && data[start + 3] === 0xc2;
}
