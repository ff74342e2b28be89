/**
 * The event of a Lambda proxy integration, and what a function may answer.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
import { z } from 'zod';
import type { ServiceResponse } from '../service.ts';
import type { Call } from './call.ts';
import type { FoundMethod } from './find-method.ts';
import { GatewayError } from './gateway-response.ts';

/** Headers that a function does not get. */
const OF_THE_CONNECTION = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding']);

/** Format 1.0. Names of headers are in lower case, as HTTP/2 has them. */
export function proxyEvent(call: Call, { resource, pathParameters }: FoundMethod): object {
  const { request, stage, context, body } = call;
  const headers = Object.entries(request.headers).filter(([name]) => !OF_THE_CONNECTION.has(name));
  const names = [...new Set(request.query.keys())];
  const hasQuery = names.length > 0;
  const { requestOverride, responseOverride, error, ...requestContext } = context;
  return {
    resource: resource.path,
    path: call.path,
    httpMethod: request.method,
    headers: Object.fromEntries(headers),
    multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
    queryStringParameters: hasQuery ? Object.fromEntries(request.query) : null,
    multiValueQueryStringParameters: hasQuery
      ? Object.fromEntries(names.map((name) => [name, request.query.getAll(name)]))
      : null,
    pathParameters: Object.keys(pathParameters).length > 0 ? pathParameters : null,
    stageVariables: Object.keys(stage.variables).length > 0 ? stage.variables : null,
    requestContext,
    body: body === '' ? null : body,
    isBase64Encoded: false,
  };
}

const text = z.union([z.string(), z.boolean()]).transform(String);

/** What a function may answer with, and nothing beside it. */
const answer = z.strictObject({
  statusCode: z.coerce.number().int().min(100).max(599).default(200),
  headers: z.record(z.string(), text).nullish(),
  multiValueHeaders: z.record(z.string(), z.array(text)).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

/** @param payload JSON text that the function returned @throws GatewayError 502 for a malformed one */
export function proxyAnswer(payload: string): ServiceResponse {
  const parsed = answer.safeParse(readJson(payload));
  if (!parsed.success) {
    const reason = `a malformed Lambda proxy response: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`;
    throw badGateway(reason);
  }
  const { statusCode, headers, multiValueHeaders, body } = parsed.data;
  const merged: Record<string, string> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(headers ?? {})) merged[name.toLowerCase()] = value;
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) merged[name.toLowerCase()] = values.join(', ');
  // Base64 is decoded for media types that an API declares as binary only; none are here.
  return { status: statusCode, headers: merged, body: body ?? '' };
}

function readJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

/** How a function that failed, or is throttled, is answered. */
export function badGateway(reason: string): GatewayError {
  return new GatewayError('DEFAULT_5XX', { status: 502, reason });
}
