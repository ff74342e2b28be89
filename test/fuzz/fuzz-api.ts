/**
 * Sends requests to the events API, and holds each to this: the answer is a 4xx with a reason, or the record is on the stream
 * as it was sent, in an envelope with no more and no other fields than the API gives it.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { NAMES } from '../../infra/names.ts';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from '../../streams/codecs/decode-context.ts';
import { decodeRecord } from '../../streams/codecs/decode-record.ts';
import { readStream } from '../support/local/read-stream.ts';
import type { RunningApi } from '../support/local/running-api.ts';
import { type ApiRequest, apiRequests } from './api-requests.ts';

export interface FuzzResult {
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** What did not hold, each with its request. */
  readonly violations: readonly string[];
  /** Records that were read back and compared. */
  readonly records: number;
}

interface Taken {
  readonly request: ApiRequest;
  readonly id: string;
}

const CONCURRENCY = 8;
const VIOLATIONS_MAX = 20;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** As API Gateway makes them. */
const EXTENDED_REQUEST_ID = /^[A-Za-z0-9+/]{15}=$/;

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:test',
});

/** @param seed of the requests: the same gives the same */
export async function fuzzApi(
  api: RunningApi,
  { seed, requests }: { seed: number; requests: number },
): Promise<FuzzResult> {
  const violations: string[] = [];
  const statuses = new Map<number, number>();
  const taken = new Map<string, Taken>();
  const report = (request: ApiRequest, problem: string) => {
    if (violations.length < VIOLATIONS_MAX) violations.push(`${problem}: ${shown(request)}`);
  };
  const waiting = fc.sample(apiRequests, { seed, numRuns: requests }).values();
  const worker = async () => {
    for (const request of waiting) {
      const { status, answer } = await send(api.url, request);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status !== 200) {
        const problem = problemOfRefusal(status, answer, request);
        if (problem !== undefined) report(request, problem);
      } else if (isTaken(answer)) {
        taken.set(`${answer.shardId} ${answer.sequenceNumber}`, { request, id: answer.id });
      } else report(request, `200 ${JSON.stringify(answer)}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));

  let records = 0;
  for await (const { shardId, sequenceNumber, data } of readStream(api.kinesis, NAMES.stream)) {
    const put = taken.get(`${shardId} ${sequenceNumber}`);
    if (put === undefined) continue;
    records += 1;
    taken.delete(`${shardId} ${sequenceNumber}`);
    const problem = problemOfRecord(data, put);
    if (problem !== undefined) report(put.request, problem);
  }
  for (const { request } of taken.values()) report(request, 'answered with 200, and not on the stream');
  return { statuses, violations, records };
}

async function send(url: string, { dataset, isBatch, body, headers }: ApiRequest) {
  const response = await fetch(`${url}/events/${dataset.name}${isBatch ? '/batch' : ''}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { ...headers, 'content-type': 'application/json' },
  });
  const text = await response.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = `no JSON: ${text}`;
  }
  return { status: response.status, answer };
}

function isTaken(answer: unknown): answer is { id: string; shardId: string; sequenceNumber: string } {
  return isDeepStrictEqual(Object.keys(Object(answer)), ['id', 'shardId', 'sequenceNumber']);
}

function problemOfRefusal(status: number, answer: unknown, request: ApiRequest): string | undefined {
  const { error, reason } = Object(answer);
  const hasReason = typeof error === 'string' && typeof reason === 'string' && reason !== '';
  if (status < 400 || status > 499 || !hasReason) return `${status} ${JSON.stringify(answer)}`;
  // What the gateway reads is bounded in depth; the pipeline would pass over a field that it does not know.
  if (error !== 'BAD_REQUEST_BODY' || request.isBatch || /nesting depth/.test(reason)) return undefined;
  const value = jsonOf(request.body);
  const isAccepted = value !== undefined && request.dataset.validateInput(value.value) === undefined;
  return isAccepted ? `refused what the pipeline accepts: ${reason}` : undefined;
}

function problemOfRecord(data: Buffer, { request, id }: Taken): string | undefined {
  const { dataset, isBatch, body, headers } = request;
  const { data_base64: base64, ...event } = JSON.parse(data.toString());
  const traceparent = headers.Traceparent;
  const expected = {
    specversion: '1.0',
    id,
    source: `/api/events/${dataset.name}${isBatch ? '/batch' : ''}`,
    type: dataset.name,
    ...(isBatch ? { databatch: true } : {}),
    ...(traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
    datacontenttype: 'application/json',
  };
  if (!isDeepStrictEqual(event, expected)) return `an envelope ${JSON.stringify(event)}`;
  const key = headers['Idempotency-Key'];
  if (key ? id !== key : !EXTENDED_REQUEST_ID.test(id)) return `the id ${JSON.stringify(id)}`;
  // Bodies are text to the gateway: bytes that are no UTF-8 have been replaced.
  if (Buffer.from(base64, 'base64').toString() !== body.toString()) return 'another body';
  return problemOfEvents(data, request, id);
}

function problemOfEvents(data: Buffer, { dataset, isBatch, body }: ApiRequest, id: string): string | undefined {
  const sent = jsonOf(body);
  if (sent === undefined) return 'a body that is no JSON was taken';
  const elements = isBatch && Array.isArray(sent.value) ? sent.value : [sent.value];
  const outcomes = decodeRecord(data, context);
  if (outcomes.length !== elements.length) return `${outcomes.length} events`;
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.kind !== 'event') return `an event that is none: ${outcome.failure.message}`;
    if (outcome.dataset !== dataset || outcome.id !== (isBatch ? `${id}/${index}` : id)) return 'another identity';
    if (!isDeepStrictEqual(outcome.value, elements[index])) return `another value of event ${index}`;
    // A failure is a value; it never throws.
    dataset.validateInput(outcome.value);
  }
  return undefined;
}

function jsonOf(body: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(body.toString()) };
  } catch {
    return undefined;
  }
}

function shown({ dataset, isBatch, body, headers }: ApiRequest): string {
  const text = body.toString();
  const start = text.length > 500 ? `${text.slice(0, 500)}… (${text.length} characters)` : text;
  return `${dataset.name}${isBatch ? '/batch' : ''} ${JSON.stringify({ headers, body: start })}`;
}
