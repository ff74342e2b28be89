import { expect, it } from '@jest/globals';
import { formatHashKey, hashKeyOf, parseHashKey } from './hash-key.ts';

it('hashes a partition key by MD5 as a big-endian number', () => {
  expect(formatHashKey(hashKeyOf('1'))).toBe('261578874264819908609102035485573088411');
});

it('hashes the UTF-8 of a key', () => {
  expect(hashKeyOf('ключ')).toBe(hashKeyOf(Buffer.from('ключ', 'utf8').toString()));
  expect(hashKeyOf('é')).not.toBe(hashKeyOf(Buffer.from('é', 'utf8').toString('latin1')));
});

it('orders hash keys as their numbers', () => {
  const keys = ['0', '9', '10', '170141183460469231731687303715884105728', '340282366920938463463374607431768211455'];

  expect(keys.map((key) => parseHashKey(key) ?? '').sort()).toEqual(keys.map((key) => parseHashKey(key)));
});

it.each(['', '-1', '01', '1.5', 'abc', '340282366920938463463374607431768211456'])('refuses hash key "%s"', (text) => {
  expect(parseHashKey(text)).toBeUndefined();
});
