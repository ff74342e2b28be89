/**
 * A request as API Gateway hands it to a function: apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html,
 * payload 1.0 of a REST API. What is not as it should be there is as if it had not been sent.
 */
import { isRecord } from '../../schemas/describe.ts';
import { parseJson } from '../../streams/codecs/parse-json.ts';
import { ApiError } from './api-error.ts';
import { checkValue } from './check-value.ts';

export interface ApiRequest {
  readonly method: string;
  /** As the client wrote it, with the stage. */
  readonly path: string;
  /** Of the path below the stage, not empty, percent-decoded where they can be. */
  readonly segments: readonly string[];
  readonly query: Readonly<Record<string, unknown>>;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/**
 * Bytes of a body. An invocation has 6 MB for the event, in which each quote of the body takes two:
 * lambda/latest/dg/gettingstarted-limits.html
 */
export const BODY_BYTES_MAX = 4 * 1_024 * 1_024;

/** @throws ApiError when the event is no request, or its body is too large */
export function readApiRequest(event: unknown): ApiRequest {
  const { httpMethod, path, requestContext, headers, queryStringParameters, body, isBase64Encoded } = isRecord(event)
    ? event
    : {};
  if (typeof httpMethod !== 'string' || typeof path !== 'string') {
    throw new ApiError('INVALID_REQUEST', 'received no request of API Gateway: httpMethod and path are texts');
  }
  const bytes = Buffer.from(typeof body === 'string' ? body : '', isBase64Encoded === true ? 'base64' : 'utf8');
  if (bytes.length > BODY_BYTES_MAX) {
    throw new ApiError('BODY_TOO_LARGE', `body: received ${bytes.length} bytes, allowed: ${BODY_BYTES_MAX}`);
  }
  return {
    method: httpMethod.toUpperCase(),
    path: isRecord(requestContext) && typeof requestContext.path === 'string' ? requestContext.path : path,
    segments: path.split('/').filter(Boolean).map(decoded),
    query: isRecord(queryStringParameters) ? queryStringParameters : {},
    headers: new Map(
      Object.entries(isRecord(headers) ? headers : {}).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name.toLowerCase(), value] as const] : [],
      ),
    ),
    body: bytes,
  };
}

/**
 * The body, an object.
 * @returns `{}` for an empty body
 * @throws ApiError when it is of another type, no JSON, no object, or nothing that arrives as it was sent
 */
export function readJsonBody({ body, headers }: ApiRequest): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  const type = headers.get('content-type');
  if (type !== undefined && !/^\s*application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `Content-Type: received ${shortly(type)}, allowed: application/json`);
  }
  const parsed = parseJson(body, 0, body.length);
  if ('fault' in parsed) throw new ApiError('INVALID_REQUEST', `body: ${parsed.fault.message}`);
  const { value } = parsed;
  checkValue('body', value);
  if (!isRecord(value)) throw new ApiError('INVALID_REQUEST', 'body: received no object, allowed: a JSON object');
  return value;
}

/** @throws ApiError for the first property that is none of `known`: a name that was misspelt should not be without effect */
export function refuseUnknown(body: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const name of Object.keys(body)) {
    if (known.includes(name)) continue;
    throw new ApiError('INVALID_REQUEST', `body: received a property ${shortly(name)}, allowed: ${known.join(', ')}`);
  }
}

function shortly(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
