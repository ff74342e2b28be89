import { describe, expect, it } from '@jest/globals';
import type { Schema } from 'avsc';
import { parseSchema } from './avro-type.ts';
import { FAILED_EVENTS_COLUMNS, PARTITION_KEYS, PIPELINE_COLUMNS } from './columns.ts';
import { glueColumns, timestampFields } from './glue-columns.ts';

const record = (...fields: object[]) => parseSchema({ type: 'record', name: 'Row', fields } as unknown as Schema);
const typeOf = (type: unknown) => glueColumns(record({ name: 'x', type }))[0]?.type;
const millis = { type: 'long', logicalType: 'timestamp-millis' };

describe('glueColumns', () => {
  it.each([
    ['int', 'int'],
    ['long', 'bigint'],
    ['float', 'float'],
    ['double', 'double'],
    ['boolean', 'boolean'],
    ['string', 'string'],
    [['null', 'int'], 'int'],
    [millis, 'timestamp'],
    [['null', millis], 'timestamp'],
    [{ type: 'int', logicalType: 'date' }, 'date'],
    [{ type: 'string', logicalType: 'uuid' }, 'string'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, 'decimal(9,2)'],
    [{ type: 'enum', name: 'E', symbols: ['a'] }, 'string'],
    [{ type: 'array', items: ['null', 'string'] }, 'array<string>'],
    [{ type: 'map', values: 'long' }, 'map<string,bigint>'],
    [
      {
        type: 'record',
        name: 'I',
        fields: [
          { name: 'lat', type: 'double' },
          { name: 'tags', type: { type: 'array', items: 'int' } },
        ],
      },
      'struct<lat:double,tags:array<int>>',
    ],
  ])('makes %j a column of %s', (type, hive) => {
    expect(typeOf(type)).toBe(hive);
  });

  it.each([
    ['bytes', /x: bytes is not sure to convert/],
    [{ type: 'fixed', name: 'F', size: 3 }, /x: fixed is not sure to convert/],
    [{ type: 'long', logicalType: 'timestamp-micros' }, /x: timestamp-micros is not sure to convert/],
    [{ type: 'array', items: millis }, /x\[\]: timestamp-millis is not sure to convert/],
    [{ type: 'map', values: 'bytes' }, /x\{\}: bytes/],
    [{ type: 'record', name: 'I', fields: [{ name: 'Lat', type: 'int' }] }, /x\.Lat: column name "Lat"/],
  ])('refuses %j', (type, message) => {
    expect(() => typeOf(type)).toThrow(message);
    expect(() => typeOf(type)).toThrow(/allowed: /);
  });

  it.each(['Mixed', '_private', 'dt', 'hour', 'x'.repeat(256)])('refuses a column called %s', (name) => {
    expect(() => glueColumns(record({ name, type: 'int' }))).toThrow(/allowed: /);
  });

  it('takes the documentation for the comment, up to what Glue holds', () => {
    const [column] = glueColumns(record({ name: 'x', type: 'int', doc: 'd'.repeat(300) }));

    expect(column?.comment).toBe('d'.repeat(255));
  });

  it('names the timestamp columns', () => {
    const output = record(
      { name: 'a', type: millis },
      { name: 'b', type: 'long' },
      { name: 'c', type: ['null', millis] },
    );

    expect(timestampFields(output)).toEqual(['a', 'c']);
  });
});

describe('the pipeline’s own columns', () => {
  it('stand in the agreed order', () => {
    expect(PIPELINE_COLUMNS.map(({ name, type }) => `${name} ${type}`)).toEqual([
      '_record_id string',
      '_event_id string',
      '_event_time timestamp',
      '_ingested_at timestamp',
      '_processed_at timestamp',
      '_source string',
      '_run_id string',
      '_trace_id string',
      '_schema_version string',
      '_quality_score double',
      '_failed_rules array<string>',
      '_position string',
    ]);
    expect(FAILED_EVENTS_COLUMNS.map(({ name, type }) => `${name} ${type}`)).toEqual([
      '_record_id string',
      '_ingested_at timestamp',
      '_processed_at timestamp',
      '_source string',
      '_run_id string',
      '_trace_id string',
      '_position string',
      'dataset string',
      'stage string',
      'code string',
      'path string',
      'expected string',
      'received string',
      'message string',
      'payload string',
      'payload_bytes bigint',
      'payload_uri string',
    ]);
    expect(PARTITION_KEYS.hour.map(({ name }) => name)).toEqual(['dt', 'hour']);
    expect(PARTITION_KEYS.day.map(({ name }) => name)).toEqual(['dt']);
  });
});
