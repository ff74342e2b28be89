import { describe, expect, it } from '@jest/globals';
import { compilePartitionQuery } from './partition-query.ts';

describe('compilePartitionQuery', () => {
  it.each([
    ['{dt:._event_time[0:10],hour:._event_time[11:13]}', { _event_time: '2026-01-02 03:04:05' }, ['2026-01-02', '03']],
    ['{k: .a.b, "quoted key": ."x y"}', { a: { b: 'v' }, 'x y': 'w' }, ['v', 'w']],
    ['{k:.n, t:.t}', { n: 1.5, t: true }, ['1.5', 'true']],
    ['{k:.s[2:]}', { s: 'é😀xyz' }, ['xyz']],
    ['{k:.s[:2]}', { s: 'é😀xyz' }, ['é😀']],
    ['{k:.__proto__}', JSON.parse('{"__proto__":"own"}'), ['own']],
  ])('reads %s', (query, document, values) => {
    expect(compilePartitionQuery(query).extract(document)).toEqual({ values });
  });

  it.each([
    ['{k:.a}', {}],
    ['{k:.a}', { a: null }],
    ['{k:.a}', { a: '' }],
    ['{k:.a}', { a: {} }],
    ['{k:.a}', { a: ['x'] }],
    ['{k:.a}', { A: 'case counts' }],
    ['{k:.a.b}', { a: 'no object' }],
    ['{k:.a.length}', { a: 'text' }],
    ['{k:.constructor.name}', {}],
    ['{k:.a[0:2]}', { a: 12 }],
    ['{k:.a[5:9]}', { a: 'abc' }],
    ['{k:.a}', [1]],
    ['{k:.a}', 'text'],
    ['{k:.a}', null],
  ])('finds no key by %s in %j', (query, document) => {
    expect(compilePartitionQuery(query).extract(document)).toEqual({ problem: expect.stringContaining(': k') });
  });

  it.each([
    ['.a'],
    ['{k:.a | length}'],
    ['{k:(.a)}'],
    ['{k:.a[]}'],
    ['{k:.a[-2:]}'],
    ['{k:.a[0]}'],
    ['{k:"x"}'],
    ['{.a}'],
    ['{k:.a[:]}'],
  ])('refuses %s by name', (query) => {
    expect(() => compilePartitionQuery(query)).toThrow(/MetadataExtractionQuery .* is not supported locally/);
  });

  it('refuses more than 50 keys', () => {
    const query = `{${Array.from({ length: 51 }, (_one, index) => `k${index}:.a`).join(',')}}`;

    expect(() => compilePartitionQuery(query)).toThrow('has 51 keys; at most 50 are allowed');
  });
});
