/**
 * Every number and switch that the CDK app takes, by environment, with the overrides that a `.env` file may give.
 * A value that is not allowed is one error: what it is, what was received, what is allowed.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';

export const ENVIRONMENTS = ['local', 'dev', 'prod'] as const;
export type EnvironmentName = (typeof ENVIRONMENTS)[number];

/**
 * Lambda's log levels that keep the metrics: those are log lines of level INFO, and Lambda drops lines below the level
 * of the function: lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
 */
export const LOG_LEVELS = ['DEBUG', 'INFO'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Settings {
  readonly environment: EnvironmentName;
  /** What happens to data when its stack is deleted. Nothing empties a bucket: one with objects refuses to go. */
  readonly removalPolicy: RemovalPolicy;
  readonly logLevel: LogLevel;
  readonly logRetention: RetentionDays;
  readonly tracing: boolean;
  /** CloudWatch namespace of every function's metrics. */
  readonly metricsNamespace: string;
  readonly stream: {
    /** Open shards, or `on-demand`. */
    readonly capacity: number | 'on-demand';
    /** 24 to 8,760 hours: streams/latest/dev/service-sizes-and-limits.html */
    readonly retention: Duration;
  };
  readonly processor: {
    /** 128 to 10,240 MiB: lambda/latest/dg/gettingstarted-limits.html */
    readonly memory: Size;
    /** At most 900 s: lambda/latest/dg/gettingstarted-limits.html */
    readonly timeout: Duration;
    /** Kinesis records an invocation, 1 to 10,000; 6 MB of payload end a batch sooner. */
    readonly batchSize: number;
    /** 0 to 300 s. */
    readonly batchingWindow: Duration;
    /** 1: the books (one checkpoint a shard) hold only while one batch a shard is in flight. Scale by shards. */
    readonly parallelizationFactor: number;
    /** Records older than this go to the on-failure destination; below the stream's retention, at most 604,800 s. */
    readonly recordAgeMax: Duration;
    /** Records that score below it are quarantined, 0 to 1, unless their dataset says otherwise. */
    readonly qualityThreshold: number;
    /** Unfinished attempts at one record alone before it is filed as a failed event, 1 to 1,000. */
    readonly maxRetries: number;
  };
  readonly ingestion: {
    /** 128 to 10,240 MiB. */
    readonly memory: Size;
    /** Events a chunk of a new run, 1 to 10,000; a chunk of 1 MiB ends sooner. */
    readonly chunkRecordsMax: number;
    /** Larger objects are left to the backfill. */
    readonly objectSizeMax: Size;
    /** Invocations at once for each of the two queues, 2 to 1,000: lambda/latest/dg/services-sqs-scaling.html */
    readonly concurrencyMax: number;
  };
  readonly orchestrator: {
    /** 128 to 10,240 MiB. */
    readonly memory: Size;
  };
  readonly tape: {
    /** Kinesis records an object, 1 to 10,000; 6 MB of payload end a batch sooner. */
    readonly batchSize: number;
    /** 0 to 300 s. */
    readonly batchingWindow: Duration;
    /** How long the records of an object can be played again; at least 30 days longer than the stream keeps them. */
    readonly objectsKept: Duration;
  };
  readonly delivery: {
    /** 60 to 900 s with dynamic partitioning: firehose/latest/dev/limits.html */
    readonly bufferInterval: Duration;
    /** 64 to 128 MiB with format conversion: firehose/latest/APIReference/API_BufferingHints.html */
    readonly bufferSize: Size;
  };
  readonly catalog: {
    /** Messages an invocation; above 10 only with a batching window: lambda/latest/dg/services-sqs-parameters.html */
    readonly batchSize: number;
    readonly batchingWindow: Duration;
  };
  readonly api: {
    /** `iam`: requests are signed (SigV4). `api-key`: a key of the usage plan, in the header `x-api-key`. */
    readonly authorization: 'iam' | 'api-key';
    /**
     * Of the stage, and of the usage plan. An account has 10,000 requests a second and a burst of 5,000 in most regions:
     * apigateway/latest/developerguide/limits.html
     */
    readonly throttling: { readonly requestsPerSecond: number; readonly burst: number };
    /** A web ACL before the stage: about 7 USD a month and 0.60 USD a million requests. */
    readonly firewall: boolean;
  };
  readonly query: {
    /** Athena cancels a query that scans more; at least 10 MB: athena/latest/APIReference/API_WorkGroupConfiguration.html */
    readonly scanMax: Size;
  };
}

/** Values of a `.env` file by name. */
export type Overrides = Readonly<Record<string, string | undefined>>;

/** Names that belong to parts which do not exist yet. They have no effect, and `unusedOverrides` says so. */
const NAMES_WITHOUT_EFFECT = ['ALERT_EMAIL'];

/** At 1,769 MB a function has one full vCPU, which is all that one thread can use: lambda/latest/dg/configuration-memory.html */
export const ONE_VCPU = Size.mebibytes(1_769);

const PROD: Settings = {
  environment: 'prod',
  // A plain Retain would also keep what a failed create made, and its retry would find every name taken:
  // AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  logLevel: 'INFO',
  logRetention: RetentionDays.THREE_MONTHS,
  tracing: true,
  metricsNamespace: 'DataPipeline',
  // 96 h = 72 h in which records are retried, and a day in which what was parked can still be read by its position.
  stream: { capacity: 'on-demand', retention: Duration.hours(96) },
  processor: {
    memory: ONE_VCPU,
    // A batch takes about a second; the rest is room for resending what Firehose throttles.
    timeout: Duration.seconds(300),
    // Cost a record is flat from 100 to 10,000; 1,000 keeps bisecting a batch down to one record within 10 halvings.
    batchSize: 1_000,
    // A quiet shard is polled once a second; waiting one second more makes Firehose records, billed by 5 KB, fuller.
    batchingWindow: Duration.seconds(1),
    parallelizationFactor: 1,
    recordAgeMax: Duration.hours(72),
    qualityThreshold: 0.85,
    maxRetries: 5,
  },
  ingestion: {
    memory: ONE_VCPU,
    // Each chunk costs two claims; most records come to 1 MiB before there are more.
    chunkRecordsMax: 1_000,
    objectSizeMax: Size.gibibytes(5),
    // Five large objects at once write some 100 MB a second: on-demand streams begin with 4 MB, and double every 15 minutes.
    concurrencyMax: 5,
  },
  // A request takes milliseconds; memory is for loading the bundle quickly, and for the largest body.
  orchestrator: { memory: Size.mebibytes(1_024) },
  // An object a minute and shard. A year is 0.004 USD a GB and month, once it is cold.
  tape: { batchSize: 10_000, batchingWindow: Duration.seconds(60), objectsKept: Duration.days(365) },
  // The largest buffers make the fewest and largest Parquet files; an event is queryable after about five minutes.
  delivery: { bufferInterval: Duration.seconds(300), bufferSize: Size.mebibytes(128) },
  // A flush writes an object a partition, at most 500; Glue's BatchCreatePartition takes 100 at once.
  catalog: { batchSize: 100, batchingWindow: Duration.seconds(5) },
  // A tenth of what an account has: a client that runs wild leaves the rest to other APIs.
  api: { authorization: 'iam', throttling: { requestsPerSecond: 1_000, burst: 2_000 }, firewall: false },
  // About 0.50 USD a query at 5 USD a TB.
  query: { scanMax: Size.gibibytes(100) },
};

const DEV: Settings = {
  ...PROD,
  environment: 'dev',
  removalPolicy: RemovalPolicy.DESTROY,
  logRetention: RetentionDays.TWO_WEEKS,
  // One shard costs 0.36 USD a day, an idle on-demand stream 0.96 USD.
  stream: { ...PROD.stream, capacity: 1 },
  tape: { ...PROD.tape, objectsKept: Duration.days(34) },
  delivery: { bufferInterval: Duration.seconds(60), bufferSize: Size.mebibytes(64) },
  query: { scanMax: Size.gibibytes(10) },
};

const DEFAULTS: Readonly<Record<EnvironmentName, Settings>> = {
  prod: PROD,
  dev: DEV,
  local: {
    ...DEV,
    environment: 'local',
    logRetention: RetentionDays.ONE_WEEK,
    tracing: false,
    // Two, so that order by key and books by shard are exercised across shards.
    stream: { ...PROD.stream, capacity: 2 },
    processor: { ...PROD.processor, batchingWindow: Duration.seconds(0) },
    ingestion: { ...PROD.ingestion, concurrencyMax: 2 },
    tape: { ...DEV.tape, batchingWindow: Duration.seconds(1) },
    catalog: { ...PROD.catalog, batchingWindow: Duration.seconds(1) },
  },
};

/** @throws Error when `value` is no environment */
export function parseEnvironment(value: string): EnvironmentName {
  return oneOf('environment', value, ENVIRONMENTS);
}

/** Values of the `.env` file in a folder; none when there is no such file. */
export function readOverrides(folder: string): Overrides {
  const file = path.join(folder, '.env');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}

/** Names in `overrides` that are this app's but change nothing yet. */
export function unusedOverrides(overrides: Overrides): readonly string[] {
  return NAMES_WITHOUT_EFFECT.filter((name) => given(overrides, name) !== undefined);
}

/** @throws Error when an override is not allowed */
export function settingsOf(environment: EnvironmentName, overrides: Overrides = {}): Settings {
  const defaults = DEFAULTS[environment];
  const { processor, ingestion } = defaults;
  const ingestionMemory = override(overrides, 'INGESTION_MEMORY', memory);
  return {
    ...defaults,
    logLevel: override(overrides, 'LOG_LEVEL', logLevel) ?? defaults.logLevel,
    tracing: override(overrides, 'ENABLE_XRAY_TRACING', flag) ?? defaults.tracing,
    metricsNamespace: override(overrides, 'METRICS_NAMESPACE', metricsNamespace) ?? defaults.metricsNamespace,
    processor: {
      ...processor,
      memory: processorMemory(overrides) ?? processor.memory,
      qualityThreshold: override(overrides, 'QUALITY_THRESHOLD', share) ?? processor.qualityThreshold,
      maxRetries: override(overrides, 'MAX_RETRIES', retries) ?? processor.maxRetries,
    },
    ingestion: {
      ...ingestion,
      memory: ingestionMemory === undefined ? ingestion.memory : Size.mebibytes(ingestionMemory),
      chunkRecordsMax: override(overrides, 'BATCH_SIZE', chunkRecords) ?? ingestion.chunkRecordsMax,
    },
  };
}

/** Validation and transformation are stages of one function, so the larger of the two counts. */
function processorMemory(overrides: Overrides): Size | undefined {
  const asked = ['VALIDATION_MEMORY', 'TRANSFORMATION_MEMORY'].flatMap(
    (name) => override(overrides, name, memory) ?? [],
  );
  return asked.length === 0 ? undefined : Size.mebibytes(Math.max(...asked));
}

/** An empty value is no value: `.env.example` lists names so. */
function given(overrides: Overrides, name: string): string | undefined {
  const text = overrides[name]?.trim();
  return text === '' ? undefined : text;
}

function override<T>(overrides: Overrides, name: string, parse: (name: string, text: string) => T): T | undefined {
  const text = given(overrides, name);
  return text === undefined ? undefined : parse(name, text);
}

function refuse(name: string, received: string, allowed: string): never {
  throw new Error(`${name}: received ${JSON.stringify(received)}, allowed: ${allowed}`);
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  return allowed.find((value) => value === text) ?? refuse(name, text, allowed.join(', '));
}

function logLevel(name: string, text: string): LogLevel {
  const why = 'the metrics are log lines of level INFO, and Lambda drops what is below the level';
  return LOG_LEVELS.find((value) => value === text) ?? refuse(name, text, `${LOG_LEVELS.join(', ')} (${why})`);
}

function memory(name: string, text: string): number {
  const value = /^\d{3,5}$/.test(text) ? Number(text) : 0;
  return value >= 128 && value <= 10_240 ? value : refuse(name, text, 'whole MB from 128 to 10240');
}

function share(name: string, text: string): number {
  const value = /^\d(\.\d+)?$/.test(text) ? Number(text) : 2;
  return value <= 1 ? value : refuse(name, text, 'a number from 0 to 1, such as 0.85');
}

function retries(name: string, text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= 1_000 ? value : refuse(name, text, 'a whole number from 1 to 1000');
}

/** Events that one Kinesis record may hold at most: streams/codecs/decode-context.ts */
function chunkRecords(name: string, text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= 10_000 ? value : refuse(name, text, 'a whole number from 1 to 10000');
}

/** AmazonCloudWatch/latest/APIReference/API_PutMetricData.html; spaces would be allowed, and are left out. */
function metricsNamespace(name: string, text: string): string {
  if (/^(?!AWS\/|:)[\w.\-/#:]{1,255}$/.test(text)) return text;
  return refuse(name, text, '1 to 255 letters, digits and . - _ / # :, not beginning with AWS/ or :');
}

function flag(name: string, text: string): boolean {
  return oneOf(name, text, ['true', 'false'] as const) === 'true';
}
