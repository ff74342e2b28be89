import { describe, expect, it } from '@jest/globals';
import type { Properties } from '../service.ts';
import { parseDeliveryStream } from './delivery-stream.ts';

const CONVERSION = {
  InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
  SchemaConfiguration: { DatabaseName: 'db', TableName: 't' },
};
const QUERY = {
  Type: 'MetadataExtraction',
  Parameters: [
    { ParameterName: 'MetadataExtractionQuery', ParameterValue: '{dt:.dt}' },
    { ParameterName: 'JsonParsingEngine', ParameterValue: 'JQ-1.6' },
  ],
};
const DYNAMIC = {
  DynamicPartitioningConfiguration: { Enabled: true },
  ProcessingConfiguration: { Enabled: true, Processors: [QUERY] },
  Prefix: '!{partitionKeyFromQuery:dt}/',
  ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
};
const parse = (destination: Properties, properties: Properties = {}) =>
  parseDeliveryStream(
    {
      ExtendedS3DestinationConfiguration: {
        BucketARN: 'arn:aws:s3:::bucket',
        DataFormatConversionConfiguration: CONVERSION,
        ...destination,
      },
      ...properties,
    },
    { ref: 'stream', attributes: { Arn: 'arn' } },
  );

describe('parseDeliveryStream', () => {
  it('fills in the defaults of format conversion', () => {
    expect(parse({})).toMatchObject({
      name: 'stream',
      bucket: 'bucket',
      bufferBytesMax: 128 * 1024 * 1024,
      bufferIntervalMs: 300_000,
      deAggregates: false,
      partitionQuery: undefined,
    });
  });

  it('reads partitioning', () => {
    expect(parse(DYNAMIC)).toMatchObject({ partitionQuery: '{dt:.dt}', deAggregates: false });
  });

  it.each<readonly [Properties, RegExp]>([
    [{ DataFormatConversionConfiguration: undefined }, /DataFormatConversionConfiguration/],
    [{ DataFormatConversionConfiguration: { ...CONVERSION, Enabled: false } }, /without format conversion is not kept/],
    [{ BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 } }, /SizeInMBs/],
    [{ BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 901 } }, /IntervalInSeconds/],
    [{ CompressionFormat: 'GZIP' }, /must be UNCOMPRESSED/],
    [{ S3BackupMode: 'Enabled' }, /S3BackupMode/],
    [{ Surprise: 1 }, /Surprise/],
    [{ ...DYNAMIC, ErrorOutputPrefix: undefined }, /ErrorOutputPrefix is mandatory/],
    [{ ...DYNAMIC, ProcessingConfiguration: { Enabled: true } }, /needs a MetadataExtraction processor/],
    [{ ...DYNAMIC, BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 } }, /IntervalInSeconds 0/],
    [{ ...DYNAMIC, DynamicPartitioningConfiguration: { Enabled: false } }, /names no key of the query/],
    [{ ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'Lambda' }] } }, /Processors\.0\.Type/],
  ])('refuses %j by name', (destination, reason) => {
    expect(() => parse(destination)).toThrow(reason);
    expect(() => parse(destination)).toThrow(/^Delivery stream stream: /);
  });

  it.each<readonly [Properties, RegExp]>([
    [{ DeliveryStreamType: 'KinesisStreamAsSource' }, /must be DirectPut/],
    [{ KinesisStreamSourceConfiguration: {} }, /KinesisStreamSourceConfiguration is not supported locally/],
    [{ IcebergDestinationConfiguration: {} }, /IcebergDestinationConfiguration is not supported locally/],
  ])('refuses %j', (properties, reason) => {
    expect(() => parse({}, properties)).toThrow(reason);
  });
});
