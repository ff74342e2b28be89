import { describe, expect, it } from '@jest/globals';
import { compileEventPattern } from './event-pattern.ts';

const EVENT = {
  version: '0',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  resources: ['arn:aws:s3:::one', 'arn:aws:s3:::two'],
  detail: {
    bucket: { name: 'data-pipeline-processed' },
    object: { key: 'earthquakes/dt=2026-11-23/a.parquet', size: 100, empty: '', none: null },
    deep: { flag: false },
    list: [],
    items: [
      { name: 'a', price: 1 },
      { name: 'b', price: 2 },
    ],
  },
};

const key = (...alternatives: unknown[]) => ({ detail: { object: { key: alternatives } } });
const size = (...alternatives: unknown[]) => ({ detail: { object: { size: alternatives } } });

describe('a pattern matches', () => {
  it.each<[string, object, boolean]>([
    ['a value', { source: ['aws.s3'] }, true],
    ['another value', { source: ['aws.ec2'] }, false],
    ['a value in other case', { source: ['AWS.S3'] }, false],
    ['one of several values', { source: ['aws.ec2', 'aws.s3'] }, true],
    ['all fields', { source: ['aws.s3'], 'detail-type': ['Object Created'] }, true],
    ['all fields but one', { source: ['aws.s3'], 'detail-type': ['Object Deleted'] }, false],
    ['a nested field', { detail: { bucket: { name: ['data-pipeline-processed'] } } }, true],
    ['a field that is absent', { detail: { bucket: { region: ['x'] } } }, false],
    ['a field below a value', { source: { name: ['aws.s3'] } }, false],
    ['a number', size(100), true],
    ['a number as text', size('100'), false],
    ['false', { detail: { deep: { flag: [false] } } }, true],
    ['null', { detail: { object: { none: [null] } } }, true],
    ['null where there is nothing', { detail: { object: { absent: [null] } } }, false],
    ['empty text', { detail: { object: { empty: [''] } } }, true],
    ['an item of a list', { resources: ['arn:aws:s3:::two'] }, true],
    ['no item of a list', { resources: ['arn:aws:s3:::three'] }, false],
    ['one item of a list as a whole', { detail: { items: { name: ['b'], price: [2] } } }, true],
    ['two items of a list in parts', { detail: { items: { name: ['a'], price: [2] } } }, false],

    ['a prefix', key({ prefix: 'earthquakes/' }), true],
    ['another prefix', key({ prefix: 'errors/' }), false],
    ['one of several prefixes', key({ prefix: 'flights/' }, { prefix: 'earthquakes/' }), true],
    ['a prefix of a number', size({ prefix: '1' }), false],
    ['a prefix regardless of case', key({ prefix: { 'equals-ignore-case': 'EARTHQUAKES/' } }), true],
    ['a suffix', key({ suffix: '.parquet' }), true],
    ['another suffix', key({ suffix: '.json' }), false],
    ['a suffix regardless of case', key({ suffix: { 'equals-ignore-case': '.PARQUET' } }), true],
    ['text regardless of case', { source: [{ 'equals-ignore-case': 'AWS.s3' }] }, true],
    ['other text regardless of case', { source: [{ 'equals-ignore-case': 'AWS.s' }] }, false],

    ['anything but another value', { source: [{ 'anything-but': 'aws.ec2' }] }, true],
    ['anything but this value', { source: [{ 'anything-but': 'aws.s3' }] }, false],
    ['anything but a list with it', { source: [{ 'anything-but': ['aws.ec2', 'aws.s3'] }] }, false],
    ['anything but a number', size({ 'anything-but': 100 }), false],
    ['anything but, of an absent field', { detail: { absent: [{ 'anything-but': 'x' }] } }, false],
    ['anything but a prefix', key({ 'anything-but': { prefix: 'errors/' } }), true],
    ['anything but this prefix', key({ 'anything-but': { prefix: 'earthquakes/' } }), false],
    ['anything but suffixes', key({ 'anything-but': { suffix: ['.json', '.parquet'] } }), false],
    [
      'anything but text regardless of case',
      { source: [{ 'anything-but': { 'equals-ignore-case': ['AWS.S3'] } }] },
      false,
    ],

    ['exists', key({ exists: true }), true],
    ['exists, of null', { detail: { object: { none: [{ exists: true }] } } }, true],
    ['exists, of an object', { detail: { object: [{ exists: true }] } }, false],
    ['exists, of an empty list', { detail: { list: [{ exists: true }] } }, false],
    ['exists not', { detail: { absent: [{ exists: false }] } }, true],
    ['exists not, below what is absent', { absent: { field: [{ exists: false }] } }, true],
    ['exists not, of what is there', key({ exists: false }), false],
    ['a value or its absence', { detail: { absent: ['x', { exists: false }] } }, true],

    ['a number equal', size({ numeric: ['=', 100] }), true],
    ['a number in a range', size({ numeric: ['>', 0, '<=', 100] }), true],
    ['a number at the open end', size({ numeric: ['>', 0, '<', 100] }), false],
    ['a number at least', size({ numeric: ['>=', 100.5] }), false],
    ['numeric, of text', key({ numeric: ['>', 0] }), false],

    ['$or, one of two', { $or: [{ source: ['x'] }, { detail: { object: { size: [100] } } }] }, true],
    ['$or, none', { $or: [{ source: ['x'] }, { source: ['y'] }] }, false],
    ['$or beside another field', { source: ['x'], $or: [{ version: ['0'] }, { version: ['1'] }] }, false],
    ['$or within', { detail: { object: { $or: [{ size: [1] }, { key: [{ suffix: '.parquet' }] }] } } }, true],
  ])('%s: %j is %s', (_name, pattern, expected) => {
    expect(compileEventPattern(pattern)(EVENT)).toBe(expected);
  });
});

describe('a pattern is refused', () => {
  it.each<[string, unknown, string]>([
    ['without fields', {}, 'EventPattern: received {}, supported here: an object with at least one field'],
    ['as a list', [], 'EventPattern: received []'],
    ['with a value that is no list', { source: 'aws.s3' }, 'EventPattern.source: received "aws.s3"'],
    ['with an empty list', { detail: { a: [] } }, 'EventPattern.detail.a: received [], supported here: a list with'],
    ['with an empty object', { detail: {} }, 'EventPattern.detail: received {}'],
    ['with wildcard', key({ wildcard: '*' }), 'EventPattern.detail.object.key: received {"wildcard":"*"}'],
    [
      'with cidr',
      key({ cidr: '10.0.0.0/24' }),
      'one of prefix, suffix, anything-but, exists, numeric, equals-ignore-case',
    ],
    ['with two operators at once', key({ prefix: 'a', suffix: 'b' }), 'key: received {"prefix":"a","suffix":"b"}'],
    ['with a list in a list', key(['a']), 'key: received ["a"]'],
    ['with a prefix that is no text', key({ prefix: 1 }), 'key.prefix: received 1, supported here: text'],
    ['with exists of text', key({ exists: 'yes' }), 'key.exists: received "yes", supported here: true or false'],
    ['with another comparison', size({ numeric: ['!=', 1] }), 'size.numeric: received ["!=",1]'],
    ['with half a comparison', size({ numeric: ['>'] }), 'size.numeric: received [">"]'],
    ['with anything-but a flag', key({ 'anything-but': true }), 'key.anything-but: received true'],
    ['with anything-but nothing', key({ 'anything-but': [] }), 'key.anything-but: received []'],
    [
      'with anything-but a wildcard',
      key({ 'anything-but': { wildcard: '*' } }),
      'one of prefix, suffix, equals-ignore-case',
    ],
    ['with $or of one', { $or: [{ source: ['a'] }] }, 'EventPattern.$or: received [{"source":["a"]}]'],
  ])('%s', (_name, pattern, message) => {
    expect(() => compileEventPattern(pattern)).toThrow(message);
  });
});
