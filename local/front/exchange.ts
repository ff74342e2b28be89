/**
 * One request, from its arrival to its answer: caps, routing, the service's reply, request ids. Whatever a service
 * throws becomes an answer in the caller's protocol; nothing escapes.
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { finished, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { answerFaults } from '../faults/answer-faults.ts';
import { AwsError, type LocalService, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { errorResponse } from './error-response.ts';
import { refuseForeigners } from './refuse-foreigners.ts';
import { FAULTS_PATH, routeOf } from './route.ts';

export interface ExchangeOptions {
  readonly services: () => readonly LocalService[];
  readonly bodyBytesMax: number;
  /** Gets one line for each failure that a service did not expect. */
  readonly log: (line: string) => void;
  /** True once the front is closing: HTTP/1.1 connections are not kept after their answer. */
  readonly closing: () => boolean;
}

export type Incoming = IncomingMessage | Http2ServerRequest;
export type Outgoing = ServerResponse | Http2ServerResponse;

/** Headers of HTTP/1.1 connections, which HTTP/2 forbids (RFC 9113, 8.2.2). */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** Answers without a body (RFC 9110, 6.4.1). */
const BODILESS = new Set([204, 304]);

export function createExchange(options: ExchangeOptions): (incoming: Incoming, outgoing: Outgoing) => Promise<void> {
  return async (incoming, outgoing) => {
    const request = serviceRequest(incoming, departure(outgoing), options.bodyBytesMax);
    const response = await answer(request, options);
    try {
      await send(request, response, incoming, outgoing, options.closing());
    } catch (error) {
      outgoing.destroy();
      if (!isDisconnect(error))
        options.log(`${request.method} ${request.path}: the answer broke off: ${oneLine(error)}`);
    }
  };
}

async function answer(request: ServiceRequest, options: ExchangeOptions): Promise<ServiceResponse> {
  const route = routeOf(request);
  const services = options.services();
  const scope = route.to === 'service' ? route.scope : '';
  try {
    refuseForeigners(request.headers);
    refuseLongBody(request.headers['content-length'], options.bodyBytesMax);
    if (route.to === 'welcome') return welcome(services);
    if (route.to === 'faults') return await answerFaults(request, services);
    const service = services.find((candidate) => candidate.scope === scope);
    if (!service) throw unknownService(scope, services);
    return await underFaults(service, request);
  } catch (error) {
    // What curl sends by default is no wish for an answer in XML.
    const asker = route.to === 'faults' ? { headers: {} } : request;
    if (error instanceof AwsError) return errorResponse(error, asker, scope, request.id);
    const asked = request.headers['x-amz-target'] ?? `${request.method} ${request.path}`;
    // A client that goes away while it sends, as a function that is killed, is nothing to tell.
    if (!isDisconnect(error)) options.log(`${scope} ${asked}: ${oneLine(error)}`);
    const failure = { code: 'InternalFailure', message: `The local ${scope} failed: ${oneLine(error)}`, status: 500 };
    return errorResponse(failure, request, scope, request.id);
  }
}

function underFaults({ faults, handle }: LocalService, request: ServiceRequest): Promise<ServiceResponse> {
  if (!faults?.settings) return handle(request);
  const operation = handle.operationOf ? handle.operationOf(request) : request.headers['x-amz-target']?.split('.')[1];
  const discard = ({ body }: ServiceResponse): void => {
    if (body instanceof Readable) body.destroy();
  };
  return faults.around(operation, () => handle(request), { signal: request.signal, discard });
}

/** Aborted when the connection, or the stream on it, closes before the answer is complete. */
function departure(outgoing: Outgoing): AbortSignal {
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableEnded) controller.abort();
  });
  return controller.signal;
}

function serviceRequest(incoming: Incoming, signal: AbortSignal, bodyBytesMax: number): ServiceRequest {
  const target = (incoming.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '') || '/';
  const mark = target.indexOf('?');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value === undefined || name.startsWith(':')) continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const authority = incoming.headers[':authority'];
  if (headers.host === undefined && typeof authority === 'string') headers.host = authority;
  return {
    id: randomUUID(),
    method: incoming.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark) || '/',
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers,
    body: hasUnknownLength(incoming) ? capped(incoming, bodyBytesMax) : incoming,
    signal,
  };
}

function hasUnknownLength(incoming: Incoming): boolean {
  if (incoming.headers['content-length'] !== undefined) return false;
  return 'stream' in incoming ? !incoming.stream.endAfterHeaders : 'transfer-encoding' in incoming.headers;
}

/** A declared length is checked before and enforced by the parsers; a body without one is counted as it comes. */
function capped(body: Readable, bytesMax: number): Readable {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bytesMax) done(tooLong(bytesMax));
      else done(null, chunk);
    },
  });
  // A counter that nobody reads may fail without anyone listening; a reader gets the error all the same.
  counter.on('error', () => body.unpipe(counter));
  // Over HTTP/2 a client that goes away is told of by a close, not an error, and an end follows all the same.
  finished(body, { writable: false }, (error) => void (error && counter.destroy(error)));
  return body.pipe(counter);
}

function tooLong(bytesMax: number): AwsError {
  return new AwsError('RequestEntityTooLarge', `The request body exceeds the ${bytesMax} bytes allowed.`, 413);
}

function refuseLongBody(contentLength: string | undefined, bytesMax: number): void {
  if (contentLength !== undefined && Number(contentLength) > bytesMax) throw tooLong(bytesMax);
}

function unknownService(scope: string, services: readonly LocalService[]): AwsError {
  return new AwsError(
    'UnknownServiceException',
    `There is no local service "${scope}". Services here: ${names(services)}.`,
  );
}

function welcome(services: readonly LocalService[]): ServiceResponse {
  const body = `This is a local AWS endpoint. Point any AWS SDK or the AWS CLI at it with AWS_ENDPOINT_URL, any region
and any access key. Services: ${names(services)}. Failures are switched on at ${FAULTS_PATH}.
`;
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

function names(services: readonly LocalService[]): string {
  return (
    services
      .map((service) => service.scope)
      .sort()
      .join(', ') || 'none yet'
  );
}

async function send(
  request: ServiceRequest,
  response: ServiceResponse,
  incoming: Incoming,
  outgoing: Outgoing,
  closing: boolean,
): Promise<void> {
  const { body } = response;
  const isHttp1 = incoming.httpVersionMajor === 1;
  outgoing.statusCode = response.status;
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    if (isHttp1 || !CONNECTION_HEADERS.has(name.toLowerCase())) outgoing.setHeader(name, value);
  }
  outgoing.setHeader('x-amzn-requestid', request.id);
  outgoing.setHeader('x-amz-request-id', request.id);
  if (isHttp1 && closing) outgoing.setHeader('connection', 'close');
  if (request.method === 'HEAD' || BODILESS.has(response.status)) {
    if (body instanceof Readable) body.destroy();
    outgoing.end();
  } else if (body instanceof Readable) {
    await (outgoing instanceof ServerResponse ? pipeline(body, outgoing) : pipeline(body, outgoing));
  } else {
    outgoing.setHeader('content-length', Buffer.byteLength(body ?? ''));
    outgoing.end(body ?? '');
  }
  dropUnread(incoming);
}

/** Takes off the wire what the service left unread, or the connection could not be used again. */
function dropUnread(incoming: Incoming): void {
  if (incoming.readableEnded) return;
  incoming.unpipe();
  incoming.resume();
}

/** The client went away: its own doing, and nothing to report. */
function isDisconnect(error: unknown): boolean {
  const code = Error.isError(error) && 'code' in error ? error.code : undefined;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
}

function oneLine(error: unknown): string {
  const text = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}
