/**
 * One request to an API, from its address to its answer and its line in the access log. Whatever a client sends is answered
 * in API Gateway's form.
 */
import type { Clock } from '../clock.ts';
import type { LogSink } from '../ports.ts';
import { readBody } from '../protocol/read-body.ts';
import { AwsError, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { admit } from './admit.ts';
import { apiAddress } from './api-address.ts';
import type { ApiStore } from './api-store.ts';
import { type Call, createCall } from './call.ts';
import { type Backends, callIntegration } from './call-integration.ts';
import { findMethod } from './find-method.ts';
import { GatewayError, gatewayResponse, substitute } from './gateway-response.ts';
import type { Throttles } from './throttle.ts';

export interface ServeOptions extends Backends {
  readonly store: ApiStore;
  readonly throttles: Throttles;
  readonly logs: LogSink;
  readonly clock: Clock;
  readonly account: string;
  readonly enforceIam: boolean;
  /** Gets one line for what a client only sees as 500 or 502. */
  readonly warn: (line: string) => void;
}

/** Bytes of a payload: api-gateway-execution-service-limits-table.html */
export const PAYLOAD_BYTES_MAX = 10 * 1024 * 1024;

export async function serveRequest(request: ServiceRequest, options: ServeOptions): Promise<ServiceResponse> {
  const { store, account, clock } = options;
  const address = apiAddress(request);
  const api = address && store.apis.get(address.apiId);
  const stage = address && api?.stages.get(address.stage);
  if (!address || !api || !stage) return forbidden(request, options);
  const received = await receive(request);
  const { path } = address;
  const bytes = received ?? Buffer.alloc(0);
  const found = findMethod(api, request.method, path);
  const startedAtMs = clock.now();
  const call = createCall({ api, stage, request, path, bytes, found, account, nowMs: startedAtMs });
  const response = finished(call, await answer(call, received !== undefined, options));
  writeAccessLog(call, response, startedAtMs, options);
  return response;
}

/** Undefined for a payload that is too large. */
async function receive(request: ServiceRequest): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > PAYLOAD_BYTES_MAX) return undefined;
  try {
    return await readBody(request.body, PAYLOAD_BYTES_MAX);
  } catch (error) {
    if (error instanceof AwsError && error.status === 413) return undefined;
    throw error;
  }
}

async function answer(call: Call, isComplete: boolean, options: ServeOptions): Promise<ServiceResponse> {
  const { found } = call;
  try {
    if (!isComplete) throw new GatewayError('REQUEST_TOO_LARGE');
    if (!found) throw new GatewayError('MISSING_AUTHENTICATION_TOKEN');
    admit(call, found, options);
    return await callIntegration(call, found, options);
  } catch (given) {
    const error = asGatewayError(given);
    const { reason } = error.details;
    if (reason !== undefined)
      options.warn(`API Gateway ${call.api.name} ${call.request.method} ${call.path}: ${reason}`);
    return gatewayResponse(error, call.api.gatewayResponses, call.sources);
  }
}

/** What nobody expected is answered as API Gateway answers it, and told. */
function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError('API_CONFIGURATION_ERROR', {
    reason: Error.isError(error) ? (error.stack ?? error.message) : String(error),
  });
}

/** What Node takes for a header: https://datatracker.ietf.org/doc/html/rfc9110#section-5.5 */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/g;

function finished({ request, context }: Call, response: ServiceResponse): ServiceResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) headers[name] = value.replace(UNSENDABLE, '');
  }
  // The front sets the length of a body.
  delete headers['content-length'];
  delete headers['transfer-encoding'];
  headers['x-amz-apigw-id'] = String(context.extendedRequestId);
  return { ...response, headers, ...(request.method === 'HEAD' && { body: '' }) };
}

function forbidden(request: ServiceRequest, { store, warn }: ServeOptions): ServiceResponse {
  const apis = [...store.apis.values()].map((api) => `${api.id} (${api.name}: ${[...api.stages.keys()].join(', ')})`);
  warn(`API Gateway: ${request.path} names no API and stage. APIs: ${apis.join('; ') || 'none'}.`);
  return {
    status: 403,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ForbiddenException' },
    body: JSON.stringify({ message: 'Forbidden' }),
  };
}

function writeAccessLog(call: Call, response: ServiceResponse, startedAtMs: number, options: ServeOptions): void {
  const { stage, context, api } = call;
  if (!stage.accessLog) return;
  const nowMs = options.clock.now();
  context.status = response.status;
  context.responseLength = typeof response.body === 'string' ? Buffer.byteLength(response.body) : 0;
  context.responseLatency = nowMs - startedAtMs;
  const message = substitute(stage.accessLog.format, context, stage.variables, '-');
  options.logs.write(stage.accessLog.group, `${api.id}-${stage.name}`, [{ timestampMs: nowMs, message }]);
}
