/**
 * AWS::KinesisFirehose::DeliveryStream as it is run here: Direct PUT, JSON to Parquet by a Glue table, to S3.
 * Every option that is not kept is refused by name when the template is loaded.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesisfirehose-deliverystream.html
 */
import { z } from 'zod';
import type { Identity, Properties } from '../service.ts';
import { type PrefixPart, parsePrefix } from './object-key.ts';
import { compilePartitionQuery } from './partition-query.ts';

export interface DeliveryStream {
  readonly name: string;
  readonly arn: string;
  readonly bucket: string;
  readonly prefix: readonly PrefixPart[];
  readonly errorPrefix: readonly PrefixPart[];
  /** Bytes received, at which a buffer is delivered. */
  readonly bufferBytesMax: number;
  /** Age at which a buffer is delivered. */
  readonly bufferIntervalMs: number;
  /** Records are cut into their JSON documents before the partition keys are read. */
  readonly deAggregates: boolean;
  /** The JQ query of the partition keys; undefined without dynamic partitioning. */
  readonly partitionQuery: string | undefined;
  readonly database: string;
  readonly table: string;
  readonly logging: { readonly group: string; readonly stream: string } | undefined;
  /** The destination as the template gives it, for DescribeDeliveryStream. */
  readonly destination: Readonly<Record<string, unknown>>;
}

const MB = 1024 * 1024;
/** With format conversion (https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html). */
const SIZE_MBS = { least: 64, most: 128, byDefault: 128 };
const INTERVAL_SECONDS = { least: 0, most: 900, byDefault: 300 };

/** Without an ErrorOutputPrefix. Its exact form on AWS is not known to us. */
const DEFAULT_ERROR_PREFIX = '!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/';

const LoggingOptions = z.strictObject({
  Enabled: z.boolean().default(false),
  LogGroupName: z.string().optional(),
  LogStreamName: z.string().optional(),
});

const Conversion = z.strictObject({
  Enabled: z.literal(true, 'must be true: delivery without format conversion is not kept').default(true),
  InputFormatConfiguration: z.strictObject({
    Deserializer: z.strictObject({
      OpenXJsonSerDe: z.strictObject({
        CaseInsensitive: z.literal(true).optional(),
        ConvertDotsInJsonKeysToUnderscores: z.literal(false).optional(),
      }),
    }),
  }),
  OutputFormatConfiguration: z.strictObject({
    Serializer: z.strictObject({
      ParquetSerDe: z.strictObject({
        Compression: z.literal('SNAPPY').default('SNAPPY'),
        BlockSizeBytes: z.number().optional(),
        PageSizeBytes: z.number().optional(),
        EnableDictionaryCompression: z.boolean().optional(),
        MaxPaddingBytes: z.number().optional(),
        WriterVersion: z.literal('V1').optional(),
      }),
    }),
  }),
  SchemaConfiguration: z.strictObject({
    CatalogId: z.string().optional(),
    DatabaseName: z.string(),
    TableName: z.string(),
    Region: z.string().optional(),
    RoleARN: z.string().optional(),
    VersionId: z.literal('LATEST').default('LATEST'),
  }),
});

const Processor = z.strictObject({
  Type: z.enum(['RecordDeAggregation', 'MetadataExtraction']),
  Parameters: z.array(z.strictObject({ ParameterName: z.string(), ParameterValue: z.string() })).default([]),
});

const Destination = z.strictObject({
  BucketARN: z.string().startsWith('arn:'),
  RoleARN: z.string().optional(),
  Prefix: z.string().default(''),
  ErrorOutputPrefix: z.string().optional(),
  BufferingHints: z
    .strictObject({
      SizeInMBs: z.number().min(SIZE_MBS.least).max(SIZE_MBS.most).default(SIZE_MBS.byDefault),
      IntervalInSeconds: z
        .number()
        .min(INTERVAL_SECONDS.least)
        .max(INTERVAL_SECONDS.most)
        .default(INTERVAL_SECONDS.byDefault),
    })
    .default({ SizeInMBs: SIZE_MBS.byDefault, IntervalInSeconds: INTERVAL_SECONDS.byDefault }),
  CompressionFormat: z.literal('UNCOMPRESSED', 'must be UNCOMPRESSED: Parquet compresses inside').optional(),
  CustomTimeZone: z.literal('UTC').optional(),
  FileExtension: z.string().optional(),
  S3BackupMode: z.literal('Disabled').optional(),
  EncryptionConfiguration: z.unknown().optional(),
  CloudWatchLoggingOptions: LoggingOptions.optional(),
  DataFormatConversionConfiguration: Conversion,
  DynamicPartitioningConfiguration: z
    .strictObject({
      Enabled: z.boolean().default(false),
      RetryOptions: z.strictObject({ DurationInSeconds: z.number() }).optional(),
    })
    .default({ Enabled: false }),
  ProcessingConfiguration: z
    .strictObject({ Enabled: z.boolean().default(false), Processors: z.array(Processor).default([]) })
    .default({ Enabled: false, Processors: [] }),
});
type Destination = z.infer<typeof Destination>;

const StreamProperties = z.looseObject({
  DeliveryStreamType: z.literal('DirectPut', 'must be DirectPut: other sources are not kept').default('DirectPut'),
  ExtendedS3DestinationConfiguration: Destination,
});

export const EXECUTED_PROPERTIES = ['DeliveryStreamName', 'DeliveryStreamType', 'ExtendedS3DestinationConfiguration'];

const OTHER_DESTINATIONS = [
  'AmazonOpenSearchServerlessDestinationConfiguration',
  'AmazonopensearchserviceDestinationConfiguration',
  'DatabaseSourceConfiguration',
  'ElasticsearchDestinationConfiguration',
  'HttpEndpointDestinationConfiguration',
  'IcebergDestinationConfiguration',
  'KinesisStreamSourceConfiguration',
  'MSKSourceConfiguration',
  'RedshiftDestinationConfiguration',
  'S3DestinationConfiguration',
  'SnowflakeDestinationConfiguration',
  'SplunkDestinationConfiguration',
];

/** @throws Error naming the option that is not kept */
export function parseDeliveryStream(properties: Properties, identity: Identity): DeliveryStream {
  const refuse = (reason: string): Error => new Error(`Delivery stream ${identity.ref}: ${reason}`);
  const other = OTHER_DESTINATIONS.find((name) => properties[name] !== undefined);
  if (other !== undefined)
    throw refuse(`${other} is not supported locally. Supported: ExtendedS3DestinationConfiguration.`);
  const parsed = StreamProperties.safeParse(properties);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw refuse(`not supported locally: ${issues.join('; ')}`);
  }
  try {
    return deliveryStream(parsed.data.ExtendedS3DestinationConfiguration, identity);
  } catch (error) {
    throw refuse(Error.isError(error) ? error.message : String(error));
  }
}

function deliveryStream(destination: Destination, identity: Identity): DeliveryStream {
  const { deAggregates, query } = readProcessors(destination);
  const dynamic = destination.DynamicPartitioningConfiguration.Enabled;
  checkPartitioning(destination, dynamic, query);
  const keyNames = dynamic && query !== undefined ? compilePartitionQuery(query).names : [];
  const conversion = destination.DataFormatConversionConfiguration.SchemaConfiguration;
  const { Enabled: logs, LogGroupName, LogStreamName } = destination.CloudWatchLoggingOptions ?? { Enabled: false };
  return {
    name: identity.ref,
    arn: identity.attributes.Arn ?? '',
    bucket: destination.BucketARN.slice(destination.BucketARN.lastIndexOf(':') + 1),
    prefix: parsePrefix(destination.Prefix, 'data', keyNames),
    errorPrefix: parsePrefix(destination.ErrorOutputPrefix ?? DEFAULT_ERROR_PREFIX, 'error', []),
    bufferBytesMax: destination.BufferingHints.SizeInMBs * MB,
    bufferIntervalMs: destination.BufferingHints.IntervalInSeconds * 1000,
    deAggregates,
    partitionQuery: dynamic ? query : undefined,
    database: conversion.DatabaseName,
    table: conversion.TableName,
    logging: logs && LogGroupName && LogStreamName ? { group: LogGroupName, stream: LogStreamName } : undefined,
    destination,
  };
}

function readProcessors(destination: Destination): { deAggregates: boolean; query: string | undefined } {
  const { Enabled, Processors } = destination.ProcessingConfiguration;
  let deAggregates = false;
  let query: string | undefined;
  for (const processor of Enabled ? Processors : []) {
    const parameters = new Map(processor.Parameters.map((one) => [one.ParameterName, one.ParameterValue]));
    if (processor.Type === 'RecordDeAggregation') {
      const type = parameters.get('SubRecordType');
      if (type !== 'JSON')
        throw new Error(`RecordDeAggregation with SubRecordType ${type} is not supported locally; JSON is.`);
      deAggregates = true;
    } else {
      query = parameters.get('MetadataExtractionQuery');
      if (query === undefined) throw new Error('MetadataExtraction needs MetadataExtractionQuery.');
      const engine = parameters.get('JsonParsingEngine');
      if (engine !== 'JQ-1.6') throw new Error(`JsonParsingEngine ${engine} is not known; JQ-1.6 is.`);
    }
  }
  return { deAggregates, query };
}

function checkPartitioning(destination: Destination, dynamic: boolean, query: string | undefined): void {
  if (!dynamic) return;
  if (query === undefined) throw new Error('dynamic partitioning needs a MetadataExtraction processor.');
  if (destination.ErrorOutputPrefix === undefined)
    throw new Error('ErrorOutputPrefix is mandatory with dynamic partitioning.');
  if (destination.BufferingHints.IntervalInSeconds === 0)
    throw new Error('IntervalInSeconds 0 is not available with dynamic partitioning.');
}
