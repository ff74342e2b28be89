import { describe, expect, it } from '@jest/globals';
import { parseHiveType } from './hive-type.ts';

describe('parseHiveType', () => {
  it.each([
    ['INT', { kind: 'int' }],
    ['integer', { kind: 'int' }],
    ['varchar(10)', { kind: 'varchar' }],
    ['decimal', { kind: 'decimal', precision: 10, scale: 0 }],
    ['decimal( 38 , 9 )', { kind: 'decimal', precision: 38, scale: 9 }],
    [
      'map<string, array<int>>',
      { kind: 'map', key: { kind: 'string' }, value: { kind: 'array', element: { kind: 'int' } } },
    ],
    [
      'struct<Id:string, `a b`:decimal(5,2), deep : struct<x:map<string,double>>>',
      {
        kind: 'struct',
        fields: [
          { name: 'id', type: { kind: 'string' } },
          { name: 'a b', type: { kind: 'decimal', precision: 5, scale: 2 } },
          {
            name: 'deep',
            type: {
              kind: 'struct',
              fields: [{ name: 'x', type: { kind: 'map', key: { kind: 'string' }, value: { kind: 'double' } } }],
            },
          },
        ],
      },
    ],
  ])('reads %s', (text, type) => {
    expect(parseHiveType(text)).toEqual(type);
  });

  it.each([
    [''],
    ['text'],
    ['array'],
    ['array<int'],
    ['array<int>>'],
    ['map<string>'],
    ['struct<>'],
    ['struct<a>'],
    ['struct<a:int,>'],
    ['decimal(39,0)'],
    ['decimal(5,6)'],
    ['decimal(0,0)'],
    ['int string'],
  ])('refuses %j and shows it', (text) => {
    expect(() => parseHiveType(text)).toThrow(JSON.stringify(text));
  });
});
