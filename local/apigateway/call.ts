/** One request to an API on its way, and its `$context`. */
import { randomBytes } from 'node:crypto';
import type { ServiceRequest } from '../service.ts';
import type { FoundMethod } from './find-method.ts';
import type { MappingSources } from './parameter-mapping.ts';
import type { RestApi, Stage } from './rest-api.ts';
import type { VtlMap, VtlValue } from './vtl/value.ts';

export interface Call {
  readonly api: RestApi;
  readonly stage: Stage;
  readonly request: ServiceRequest;
  /** Below the stage, percent-encoded. */
  readonly path: string;
  readonly bytes: Buffer;
  /** The payload as UTF-8: API Gateway has no binary payloads unless an API declares media types for them. */
  readonly body: string;
  readonly contentType: string | undefined;
  /** Undefined while no method is found. */
  readonly found: FoundMethod | undefined;
  readonly context: VtlMap;
  readonly sources: MappingSources;
}

export interface CallOptions {
  readonly api: RestApi;
  readonly stage: Stage;
  readonly request: ServiceRequest;
  readonly path: string;
  readonly bytes: Buffer;
  readonly found: FoundMethod | undefined;
  readonly account: string;
  readonly nowMs: number;
}

/** The front listens on the loopback interface only. */
const SOURCE_IP = '127.0.0.1';

export function createCall(options: CallOptions): Call {
  const { api, stage, request, path, bytes, found } = options;
  const body = bytes.toString('utf8');
  const context = createContext(options);
  return {
    api,
    stage,
    request,
    path,
    bytes,
    body,
    contentType: request.headers['content-type'],
    found,
    context,
    sources: {
      context,
      stageVariables: stage.variables,
      request: {
        body,
        path: found?.pathParameters ?? {},
        querystring: Object.fromEntries(request.query),
        header: request.headers,
      },
    },
  };
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html */
function createContext({ api, stage, request, path, found, account, nowMs }: CallOptions): VtlMap {
  const domainName = request.headers.host ?? 'localhost';
  return {
    accountId: account,
    apiId: api.id,
    deploymentId: stage.deploymentId,
    domainName,
    domainPrefix: domainName.split(/[.:]/)[0] ?? '',
    extendedRequestId: randomBytes(11).toString('base64'),
    httpMethod: request.method,
    identity: identityOf(request),
    path: `/${stage.name}${path}`,
    protocol: 'HTTP/1.1',
    requestId: request.id,
    requestTime: commonLogTime(nowMs),
    requestTimeEpoch: nowMs,
    resourceId: found?.resource.id ?? null,
    resourcePath: found?.resource.path ?? null,
    stage: stage.name,
    requestOverride: { header: {}, path: {}, querystring: {} },
    responseOverride: { header: {} },
  };
}

function identityOf({ headers }: ServiceRequest): VtlMap {
  return {
    accessKey: null,
    accountId: null,
    apiKey: headers['x-api-key'] ?? null,
    apiKeyId: null,
    caller: null,
    sourceIp: SOURCE_IP,
    user: null,
    userAgent: headers['user-agent'] ?? null,
    userArn: null,
  };
}

/** Sets members of `$context.identity`. */
export function identify({ context }: Call, members: Readonly<Record<string, VtlValue>>): void {
  Object.assign(context.identity ?? {}, members);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `09/Apr/2015:12:34:56 +0000` */
export function commonLogTime(timeMs: number): string {
  const [date = '', time = ''] = new Date(timeMs).toISOString().split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}
