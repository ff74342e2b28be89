/** A function as the template declares it (`AWS::Lambda::Function`), with what is not run locally refused by name. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Identity, Properties, ResourceContext } from '../service.ts';

export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  /** `<file>.<export>` */
  readonly handler: string;
  readonly runtime: string;
  readonly architecture: string;
  readonly role: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Invocations at the same time, beyond which callers are throttled; undefined: no such limit. */
  readonly reservedConcurrency: number | undefined;
  readonly logGroup: string;
  readonly logFormat: 'Text' | 'JSON';
  /** For the JSON format: the least severe level of what the function and of what Lambda itself writes. */
  readonly applicationLogLevel: string;
  readonly systemLogLevel: 'DEBUG' | 'INFO' | 'WARN';
  /** Identifies the bundle: the S3 key of the asset. */
  readonly assetKey: string;
}

/** A number that CloudFormation may carry as text. */
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const loggingConfig = z.object({
  LogGroup: z.string().optional(),
  LogFormat: z.enum(['Text', 'JSON']).default('Text'),
  ApplicationLogLevel: z.enum(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']).default('INFO'),
  SystemLogLevel: z.enum(['DEBUG', 'INFO', 'WARN']).default('INFO'),
});

/** Ranges: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const shape = z.object({
  Handler: z.string(),
  Runtime: z
    .string()
    .regex(/^nodejs\d+\.x$/, 'the local Lambda runs nodejs runtimes only')
    .default('nodejs24.x'),
  Code: z.object({
    S3Key: z.string({ error: 'the local Lambda runs assets only (Code.S3Key), no inline code or images' }),
  }),
  Description: z.string().default(''),
  Role: z.string().default(''),
  MemorySize: integer(128, 10_240).default(128),
  Timeout: integer(1, 900).default(3),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).default({ Variables: {} }),
  ReservedConcurrentExecutions: integer(0, 1_000_000).optional(),
  Architectures: z.array(z.string()).default(['x86_64']),
  PackageType: z.literal('Zip').default('Zip'),
  LoggingConfig: loggingConfig.prefault({}),
});

export const FUNCTION_EXECUTED = [
  'FunctionName',
  'Handler',
  'Runtime',
  'Code',
  'Description',
  'Role',
  'MemorySize',
  'Timeout',
  'Environment',
  'ReservedConcurrentExecutions',
  'PackageType',
  'LoggingConfig',
] as const;

export const FUNCTION_INERT: Readonly<Record<string, string>> = {
  Architectures: 'functions run on the architecture of this machine',
  EphemeralStorage: 'functions write to the disk of this machine',
  KmsKeyArn: 'nothing is encrypted locally',
  RecursiveLoop: 'loops are not detected',
  RuntimeManagementConfig: 'the runtime is the Node that runs the local services',
  Tags: 'no operation that is served locally reads them',
  TracingConfig: 'traces are not collected',
  VpcConfig: 'there is one network, the loopback interface',
};

/** @throws Error that names the resource and what is wrong with it */
export function parseFunction(
  properties: Properties,
  identity: Identity,
  context: ResourceContext,
): FunctionDefinition {
  const parsed = shape.safeParse(properties);
  if (!parsed.success) throw new Error(`${context.logicalId} (AWS::Lambda::Function): ${describeIssues(parsed.error)}`);
  const { data } = parsed;
  return {
    name: identity.ref,
    arn: functionArn(identity.ref, context),
    description: data.Description,
    handler: data.Handler,
    runtime: data.Runtime,
    architecture: data.Architectures[0] ?? 'x86_64',
    role: data.Role,
    memoryMb: data.MemorySize,
    timeoutMs: data.Timeout * 1000,
    environment: data.Environment.Variables,
    reservedConcurrency: data.ReservedConcurrentExecutions,
    logGroup: data.LoggingConfig.LogGroup ?? `/aws/lambda/${identity.ref}`,
    logFormat: data.LoggingConfig.LogFormat,
    applicationLogLevel: data.LoggingConfig.ApplicationLogLevel,
    systemLogLevel: data.LoggingConfig.SystemLogLevel,
    assetKey: data.Code.S3Key,
  };
}

export function identifyFunction(properties: Properties, context: ResourceContext): Identity {
  const given = properties.FunctionName;
  const name = typeof given === 'string' ? given : derivedName(context);
  return { ref: name, attributes: { Arn: functionArn(name, context) } };
}

/** Function names have at most 64 characters; CloudFormation, too, ends derived names with something of its own. */
function derivedName(context: ResourceContext): string {
  const full = `${context.stackName}-${context.logicalId}`;
  if (full.length <= 64) return full;
  return `${full.slice(0, 51)}-${createHash('sha256').update(full).digest('hex').slice(0, 12)}`;
}

function functionArn(name: string, context: Pick<ResourceContext, 'account' | 'region'>): string {
  return `arn:aws:lambda:${context.region}:${context.account}:function:${name}`;
}

/**
 * The name in a function's name, partial ARN or ARN, each with or without a version or alias.
 * @example functionNameOf('arn:aws:lambda:us-east-1:000000000000:function:ingest:live') // 'ingest'
 */
export function functionNameOf(reference: string): string {
  const parts = reference.split(':');
  const at = parts.indexOf('function');
  return (at >= 0 ? parts[at + 1] : parts[0]) ?? reference;
}
