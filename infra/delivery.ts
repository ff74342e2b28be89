/**
 * A delivery stream a table: JSON documents in, Parquet by the Glue table out, below `<table>/dt=…/`. Datasets are
 * partitioned by the event time in the document, `failed_events` by arrival. What Firehose cannot place goes below
 * `errors/<table>/`, with its bytes. The processor checks documents first, so none fails conversion; but once 500
 * partitions are open, rows of any further one go there too: docs/decisions/0011-five-hundred-active-partitions.md
 */
import { type IResolvable, RemovalPolicy, Tokenization } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  CfnDeliveryStream,
  DeliveryStream,
  type DynamicPartitioningProps,
  EnableLogging,
  type IDataProcessor,
  JsonParsingEngine,
  MetadataExtractionProcessor,
  OpenXJsonInputFormat,
  ParquetCompression,
  ParquetOutputFormat,
  RecordDeAggregationProcessor,
  S3Bucket,
  SchemaConfiguration,
  StreamEncryption,
} from 'aws-cdk-lib/aws-kinesisfirehose';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { DeliveredTable } from './catalog.ts';
import { glueArn, NAMES, objectArn, objectArnFinding } from './names.ts';
import type { Settings } from './settings.ts';

export interface DeliveryProps {
  readonly table: DeliveredTable;
  readonly bucket: IBucket;
  readonly key: IKey;
  readonly settings: Settings;
}

/** Where in `_event_time`, `yyyy-MM-dd HH:mm:ss.SSS`, each partition key stands. */
const EVENT_TIME_KEYS = { dt: '._event_time[0:10]', hour: '._event_time[11:13]' } as const;
const ARRIVAL_KEYS = { dt: 'yyyy-MM-dd', hour: 'HH' } as const;

export class Delivery extends Construct {
  readonly deliveryStreamArn: string;

  constructor(scope: Construct, id: string, props: DeliveryProps) {
    super(scope, id);
    const { table, bucket, key, settings } = props;
    const name = `${NAMES.deliveryStreamPrefix}${table.name}`;
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/kinesisfirehose/${name}`,
      retention: settings.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = deliveryRole(this, props, logGroup);
    const made = new DeliveryStream(this, 'Stream', {
      deliveryStreamName: name,
      role,
      encryption: StreamEncryption.customerManagedKey(key),
      destination: new S3Bucket(bucket, {
        role,
        loggingConfig: new EnableLogging(logGroup),
        encryptionKey: key,
        bufferingInterval: settings.delivery.bufferInterval,
        bufferingSize: settings.delivery.bufferSize,
        errorOutputPrefix: `errors/${table.name}/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/`,
        dataFormatConversion: {
          schemaConfiguration: SchemaConfiguration.fromCfnTable(table.resource),
          inputFormat: new OpenXJsonInputFormat(),
          outputFormat: new ParquetOutputFormat({ compression: ParquetCompression.SNAPPY }),
        },
        ...partitioning(table),
      }),
    });
    nameTable(made, table);
    this.deliveryStreamArn = made.deliveryStreamArn;
  }
}

/**
 * By its name and not by a reference, which would be an export of the stateful stack: that stack is deployed first, and
 * CloudFormation refuses to take away an export in use, so that no dataset could be removed.
 */
function nameTable(stream: DeliveryStream, { name }: DeliveredTable): void {
  const resource = stream.node.defaultChild;
  if (!(resource instanceof CfnDeliveryStream)) throw new TypeError(`${stream.node.path}: no CfnDeliveryStream`);
  const destination = known(resource.extendedS3DestinationConfiguration);
  const conversion = known(destination.dataFormatConversionConfiguration);
  const schemaConfiguration = { ...known(conversion.schemaConfiguration), tableName: name };
  resource.extendedS3DestinationConfiguration = {
    ...destination,
    dataFormatConversionConfiguration: { ...conversion, schemaConfiguration },
  };
}

function known<T extends object>(value: T | IResolvable | undefined): T {
  if (value === undefined || Tokenization.isResolvable(value)) {
    throw new TypeError('delivery stream: CDK gives its destination no table at construction');
  }
  return value;
}

function partitioning({ name, partition, partitionedBy }: DeliveredTable): {
  readonly dataOutputPrefix: string;
  readonly processors?: IDataProcessor[];
  readonly dynamicPartitioning?: DynamicPartitioningProps;
} {
  const keys = partition === 'hour' ? (['dt', 'hour'] as const) : (['dt'] as const);
  const prefix = (value: (key: 'dt' | 'hour') => string) =>
    [name, ...keys.map((key) => `${key}=!{${value(key)}}`), ''].join('/');
  if (partitionedBy === 'arrival') return { dataOutputPrefix: prefix((key) => `timestamp:${ARRIVAL_KEYS[key]}`) };
  const query = `{${keys.map((key) => `${key}:${EVENT_TIME_KEYS[key]}`).join(',')}}`;
  return {
    dataOutputPrefix: prefix((key) => `partitionKeyFromQuery:${key}`),
    dynamicPartitioning: { enabled: true },
    processors: [
      // The processor packs many documents into one record, since Firehose bills each record rounded up to 5 KB.
      RecordDeAggregationProcessor.json(),
      new MetadataExtractionProcessor({ metadataExtractionQuery: query, jsonParsingEngine: JsonParsingEngine.JQ_1_6 }, [
        ...keys,
      ]),
    ],
  };
}

/**
 * What Firehose needs, and no deletes: firehose/latest/dev/controlling-access.html. Inline, because Firehose checks its
 * access to the Glue table when the delivery stream is made. Given as immutable, so that CDK's grants add nothing.
 */
function deliveryRole(scope: Construct, { table, bucket, key }: DeliveryProps, logGroup: LogGroup) {
  const objects = [`${table.name}/*`, `errors/${table.name}/*`];
  const statements = [
    new PolicyStatement({
      sid: 'WriteObjects',
      actions: ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload'],
      resources: objects.map((keys) => objectArn('processed', keys)),
    }),
    new PolicyStatement({
      sid: 'FindBucket',
      actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
      resources: [bucket.bucketArn],
    }),
    new PolicyStatement({
      sid: 'EncryptObjects',
      actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
      resources: [key.keyArn],
    }),
    new PolicyStatement({
      sid: 'ReadSchema',
      actions: ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
      resources: [
        glueArn('catalog'),
        glueArn(`database/${NAMES.database}`),
        glueArn(`table/${NAMES.database}/${table.name}`),
      ],
    }),
    new PolicyStatement({ sid: 'WriteLog', actions: ['logs:PutLogEvents'], resources: [logGroup.logGroupArn] }),
  ];
  const role = new Role(scope, 'Role', {
    assumedBy: new ServicePrincipal('firehose.amazonaws.com'),
    description: `Of the delivery stream ${NAMES.deliveryStreamPrefix}${table.name}`,
    inlinePolicies: { Deliver: new PolicyDocument({ statements }) },
  });
  const reason = 'Firehose names each object by time and a random part, below the prefixes of its table';
  acknowledge(role, Object.fromEntries(objects.map((keys) => [objectArnFinding('processed', keys), reason])));
  return role.withoutPolicyUpdates();
}
