/**
 * Hash keys: where a partition key lies between 0 and 2^128 - 1.
 * Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
 */
import { hash } from 'node:crypto';

/** 32 lower-case hexadecimal digits, so that the order of the texts is the order of the numbers. */
export type HashKey = string;

export const HASH_KEY_MAX = 2n ** 128n - 1n;

const HEX_DIGITS = 32;

/** MD5 of the key's UTF-8 as an unsigned big-endian number. */
export function hashKeyOf(partitionKey: string): HashKey {
  return hash('md5', partitionKey);
}

/** From the decimal text of the API; undefined when it is none, or over 2^128 - 1. */
export function parseHashKey(decimal: string): HashKey | undefined {
  if (!/^(0|[1-9]\d{0,38})$/.test(decimal)) return undefined;
  const value = BigInt(decimal);
  return value > HASH_KEY_MAX ? undefined : value.toString(16).padStart(HEX_DIGITS, '0');
}

/** The decimal text of the API. */
export function formatHashKey(key: HashKey): string {
  return BigInt(`0x${key}`).toString();
}
