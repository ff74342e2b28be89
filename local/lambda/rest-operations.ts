/**
 * The operations of Lambda's REST API that read functions and mappings, and Invoke.
 * Source: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readBody } from '../protocol/read-body.ts';
import { AwsError, type ServiceHandler, type ServiceRequest, type ServiceResponse } from '../service.ts';
import type { AsynchronousInvocations } from './asynchronous-invocations.ts';
import { functionNameOf } from './function-definition.ts';
import type { FunctionPool } from './function-pool.ts';
import type { RunningMapping } from './mapping.ts';

export interface RestOperationsOptions {
  readonly functions: ReadonlyMap<string, FunctionPool>;
  readonly mappings: ReadonlyMap<string, RunningMapping>;
  /** @throws AwsError `ResourceNotFoundException` */
  readonly find: (reference: string) => FunctionPool;
  readonly asynchronous: AsynchronousInvocations;
  readonly startedAtMs: number;
  readonly assetFolder: (key: string) => string;
}

/** Bytes of a payload. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const SYNCHRONOUS_BYTES_MAX = 6 * 1024 * 1024;
const ASYNCHRONOUS_BYTES_MAX = 1024 * 1024;
/** Items of a page that a caller did not limit, as Lambda has it. */
const PAGE_ITEMS = 50;
const MAPPING_PAGE_ITEMS = 100;

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly run: (subject: string, request: ServiceRequest) => ServiceResponse | Promise<ServiceResponse>;
}

export function createRestOperations(options: RestOperationsOptions): ServiceHandler {
  const operations: readonly Operation[] = [
    {
      name: 'ListFunctions',
      method: 'GET',
      path: /^\/2015-03-31\/functions$/,
      run: (_, request) => listFunctions(options, request),
    },
    {
      name: 'GetFunction',
      method: 'GET',
      path: /^\/2015-03-31\/functions\/([^/]+)$/,
      run: (name) => getFunction(options, name),
    },
    {
      name: 'GetFunctionConfiguration',
      method: 'GET',
      path: /^\/2015-03-31\/functions\/([^/]+)\/configuration$/,
      run: (name) => json(configuration(options, options.find(name))),
    },
    {
      name: 'Invoke',
      method: 'POST',
      path: /^\/2015-03-31\/functions\/([^/]+)\/invocations$/,
      run: (name, request) => invoke(options, name, request),
    },
    {
      name: 'ListEventSourceMappings',
      method: 'GET',
      path: /^\/2015-03-31\/event-source-mappings$/,
      run: (_, request) => listMappings(options, request),
    },
    {
      name: 'GetEventSourceMapping',
      method: 'GET',
      path: /^\/2015-03-31\/event-source-mappings\/([^/]+)$/,
      run: (id) => json(describeMapping(options, findMapping(options, id))),
    },
  ];
  const names = operations.map((operation) => operation.name);
  const find = ({ method, path: requested }: ServiceRequest) => {
    for (const operation of operations) {
      const match = operation.method === method ? operation.path.exec(requested.replace(/\/$/, '')) : null;
      if (match) return { operation, subject: match[1] ?? '' };
    }
    return undefined;
  };
  const handle = async (request: ServiceRequest): Promise<ServiceResponse> => {
    const found = find(request);
    if (found) return found.operation.run(decodeURIComponent(found.subject), request);
    const message = `The local lambda does not support ${request.method} ${request.path}. Supported: ${names.join(', ')}.`;
    throw new AwsError('UnknownOperationException', message, 404);
  };
  return Object.assign(handle, {
    operations: names,
    operationOf: (request: ServiceRequest) => find(request)?.operation.name,
  });
}

function json(body: object, status = 200): ServiceResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function listFunctions(options: RestOperationsOptions, request: ServiceRequest): ServiceResponse {
  const { items, next } = page([...options.functions.values()], request.query, PAGE_ITEMS);
  return json({ Functions: items.map((pool) => configuration(options, pool)), NextMarker: next });
}

function getFunction(options: RestOperationsOptions, name: string): ServiceResponse {
  const pool = options.find(name);
  const { assetKey, reservedConcurrency } = pool.definition;
  return json({
    Configuration: configuration(options, pool),
    Code: { RepositoryType: 'S3', Location: pathToFileURL(options.assetFolder(assetKey)).toString() },
    ...(reservedConcurrency !== undefined && {
      Concurrency: { ReservedConcurrentExecutions: reservedConcurrency },
    }),
  });
}

function configuration(options: RestOperationsOptions, pool: FunctionPool): object {
  const { definition } = pool;
  return {
    FunctionName: definition.name,
    FunctionArn: definition.arn,
    Runtime: definition.runtime,
    Role: definition.role,
    Handler: definition.handler,
    CodeSize: folderBytes(options.assetFolder(definition.assetKey)),
    Description: definition.description,
    Timeout: definition.timeoutMs / 1000,
    MemorySize: definition.memoryMb,
    LastModified: new Date(options.startedAtMs).toISOString().replace('Z', '+0000'),
    Version: '$LATEST',
    Environment: { Variables: definition.environment },
    PackageType: 'Zip',
    Architectures: [definition.architecture],
    State: 'Active',
    LastUpdateStatus: 'Successful',
    LoggingConfig: {
      LogFormat: definition.logFormat,
      LogGroup: definition.logGroup,
      ...(definition.logFormat === 'JSON' && {
        ApplicationLogLevel: definition.applicationLogLevel,
        SystemLogLevel: definition.systemLogLevel,
      }),
    },
  };
}

function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(path.join(file.parentPath, file.name)).size, 0);
}

async function invoke(options: RestOperationsOptions, name: string, request: ServiceRequest): Promise<ServiceResponse> {
  const pool = options.find(name);
  refuseQualifier(name, request.query.get('Qualifier'));
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const bytesMax = type === 'Event' ? ASYNCHRONOUS_BYTES_MAX : SYNCHRONOUS_BYTES_MAX;
  const payload = await readPayload(request, bytesMax);
  const executed = { 'x-amz-executed-version': '$LATEST' };
  switch (type) {
    case 'DryRun':
      return { status: 204, headers: executed };
    case 'Event':
      options.asynchronous.add(pool, payload, 'work');
      return { status: 202 };
    case 'RequestResponse': {
      const outcome = await pool.invoke({ payload });
      if (outcome.kind === 'throttled') throw new AwsError('TooManyRequestsException', outcome.message, 429);
      const wantsLog = request.headers['x-amz-log-type'] === 'Tail';
      return {
        status: 200,
        headers: {
          'content-type': 'application/json',
          ...executed,
          ...(outcome.kind === 'failed' && { 'x-amz-function-error': outcome.functionError }),
          ...(wantsLog && { 'x-amz-log-result': Buffer.from(outcome.log).toString('base64') }),
        },
        body: outcome.payload,
      };
    }
    default: {
      const message = `InvocationType is RequestResponse, Event or DryRun, received ${type}.`;
      throw new AwsError('InvalidParameterValueException', message);
    }
  }
}

function refuseQualifier(name: string, given: string | null): void {
  const parts = name.split(':');
  const at = parts.indexOf('function');
  const qualifier = given ?? (at >= 0 ? parts[at + 2] : parts[1]) ?? '$LATEST';
  if (qualifier === '$LATEST') return;
  throw new AwsError(
    'ResourceNotFoundException',
    `The local lambda has only $LATEST of a function, received ${qualifier}.`,
    404,
  );
}

async function readPayload(request: ServiceRequest, bytesMax: number): Promise<string> {
  let body: Buffer;
  try {
    body = await readBody(request.body, bytesMax);
  } catch (error) {
    if (!(error instanceof AwsError) || error.status !== 413) throw error;
    const message = `Request must be smaller than ${bytesMax} bytes for the InvokeFunction operation`;
    throw new AwsError('RequestTooLargeException', message, 413);
  }
  const text = body.length === 0 ? '{}' : body.toString('utf8');
  try {
    JSON.parse(text);
  } catch (error) {
    const reason = Error.isError(error) ? error.message : String(error);
    throw new AwsError('InvalidRequestContentException', `Could not parse request body into json: ${reason}`);
  }
  return text;
}

function listMappings(options: RestOperationsOptions, request: ServiceRequest): ServiceResponse {
  const functionName = request.query.get('FunctionName');
  const sourceArn = request.query.get('EventSourceArn');
  const wanted = [...options.mappings.values()].filter(
    ({ definition }) =>
      (functionName === null || definition.functionName === functionNameOf(functionName)) &&
      (sourceArn === null || definition.eventSourceArn === sourceArn),
  );
  const { items, next } = page(wanted, request.query, MAPPING_PAGE_ITEMS);
  return json({
    EventSourceMappings: items.map((mapping) => describeMapping(options, mapping)),
    NextMarker: next,
  });
}

function findMapping(options: RestOperationsOptions, id: string): RunningMapping {
  const found = options.mappings.get(id);
  if (found) return found;
  throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
}

function describeMapping(options: RestOperationsOptions, { definition, mapping }: RunningMapping): object {
  const seconds = (ms: number): number => (ms < 0 ? -1 : ms / 1000);
  const common = {
    UUID: definition.id,
    EventSourceMappingArn: definition.arn,
    EventSourceArn: definition.eventSourceArn,
    FunctionArn: options.functions.get(definition.functionName)?.definition.arn,
    LastModified: options.startedAtMs / 1000,
    LastProcessingResult: mapping.lastResult(),
    State: definition.enabled ? 'Enabled' : 'Disabled',
    StateTransitionReason: 'USER_INITIATED',
  };
  const responseTypes = (reports: boolean): readonly string[] => (reports ? ['ReportBatchItemFailures'] : []);
  if (definition.source === 'sqs') {
    return {
      ...common,
      BatchSize: definition.batchSize,
      MaximumBatchingWindowInSeconds: seconds(definition.batchingWindowMs),
      FunctionResponseTypes: responseTypes(definition.reportsItemFailures),
      ScalingConfig: { MaximumConcurrency: definition.concurrencyMax },
    };
  }
  const { settings } = definition;
  return {
    ...common,
    StartingPosition: definition.startingPosition,
    ...(definition.startingPosition === 'AT_TIMESTAMP' && {
      StartingPositionTimestamp: definition.startingTimestampMs / 1000,
    }),
    BatchSize: settings.batchSize,
    MaximumBatchingWindowInSeconds: seconds(settings.batchingWindowMs),
    ParallelizationFactor: 1,
    DestinationConfig: { OnFailure: definition.onFailureArn ? { Destination: definition.onFailureArn } : {} },
    MaximumRecordAgeInSeconds: seconds(settings.recordAgeMsMax),
    BisectBatchOnFunctionError: settings.bisects,
    MaximumRetryAttempts: settings.retriesMax,
    TumblingWindowInSeconds: 0,
    FunctionResponseTypes: responseTypes(settings.reportsItemFailures),
  };
}

/** `Marker` is the index that the next page begins with. */
function page<Item>(
  all: readonly Item[],
  query: URLSearchParams,
  itemsMax: number,
): { readonly items: readonly Item[]; readonly next: string | undefined } {
  const from = Number(query.get('Marker') ?? 0);
  const count = Math.min(itemsMax, Number(query.get('MaxItems') ?? itemsMax));
  if (!Number.isInteger(from) || from < 0 || !Number.isInteger(count) || count < 1) {
    const message = `Marker comes from an earlier page and MaxItems is 1 or more, received ${query.toString()}.`;
    throw new AwsError('InvalidParameterValueException', message);
  }
  const end = from + count;
  return { items: all.slice(from, end), next: end < all.length ? String(end) : undefined };
}
