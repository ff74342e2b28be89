/** The pipelines API, asked as API Gateway would: by an invocation of its function, so that no URL is needed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ClientSettings } from './connection.ts';
import { invokeFunction } from './invoke-function.ts';
import type { Output } from './verb.ts';

export interface PipelinesCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Such as `/pipelines`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** What goes on meanwhile: `asking for the run`. */
  readonly doing: string;
}

const Answer = z.object({ statusCode: z.number(), headers: z.record(z.string(), z.string()), body: z.string() });
const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** What the API refuses, with its reason. */
export class PipelinesError extends Error {
  /** Such as `NOT_FOUND`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Times that it is asked while a service behind it does not answer. */
const ASKED_MAX = 5;
const ASK_AGAIN: ReadonlySet<number> = new Set([429, 503]);

/** @returns the body of the answer @throws PipelinesError */
export async function callPipelines(
  { method, path, query = {}, headers = {}, body, doing }: PipelinesCall,
  settings: ClientSettings,
  output: Pick<Output, 'progress'>,
): Promise<unknown> {
  const parameters = Object.entries(query).filter(([, value]) => value !== undefined);
  const event = {
    httpMethod: method,
    path,
    headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
    queryStringParameters: parameters.length === 0 ? null : Object.fromEntries(parameters),
    body: body === undefined ? null : JSON.stringify(body),
    isBase64Encoded: false,
  };
  for (let asked = 1; ; asked++) {
    const answer = Answer.parse(await invokeFunction({ name: 'Orchestrator', event, doing }, settings, output));
    const value: unknown = JSON.parse(answer.body);
    if (answer.statusCode < 400) return value;
    if (asked >= ASKED_MAX || !ASK_AGAIN.has(answer.statusCode)) throw refusalOf(value, answer.statusCode);
    await sleep(Number(answer.headers['Retry-After'] ?? 1) * 1_000);
  }
}

function refusalOf(value: unknown, status: number): PipelinesError {
  const { data } = Refusal.safeParse(value);
  const { code, message } = data?.error ?? { code: String(status), message: `the pipelines API answered ${status}` };
  return new PipelinesError(code, message);
}
