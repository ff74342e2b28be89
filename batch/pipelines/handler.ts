/**
 * The Orchestrator function: the pipelines API behind API Gateway. Each request is answered, whatever it holds: what is
 * wrong with it by a status of 4xx and the reason, a service that does not answer by 429 or 503 and when to ask again.
 */
import type { Context } from 'aws-lambda';
import { StateUnavailable } from '../../processors/books/state-table.ts';
import type { Run } from '../runs/run.ts';
import type { RunPage } from '../runs/runs-port.ts';
import { ApiError, ERROR_STATUSES } from './api-error.ts';
import { type ApiRequest, readApiRequest } from './api-request.ts';
import { KeyReused, type PipelinesPorts, StillInProgress, Unavailable } from './ports.ts';
import { routeRequest } from './routes.ts';
import type { PipelinesSettings } from './settings.ts';
import { showRun } from './show-run.ts';

/** apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html, output format */
export interface ApiResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type OrchestratorHandler = (
  event: unknown,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
) => Promise<ApiResponse>;

const RETRY_AFTER = { 'Retry-After': '5' };

export function createOrchestratorHandler(settings: PipelinesSettings, ports: PipelinesPorts): OrchestratorHandler {
  return async (event, context) => {
    const startedAtMs = ports.clock.now();
    const remainingTimeMs = (): number => context.getRemainingTimeInMillis();
    const tell = (route: string, status: number, more: object): void =>
      ports.log(
        JSON.stringify({
          level: status >= 500 ? 'ERROR' : 'INFO',
          message: 'request answered',
          route,
          status,
          durationMs: ports.clock.now() - startedAtMs,
          ...more,
        }),
      );
    let route = 'none';
    try {
      const request = readApiRequest(event);
      const found = routeRequest(request);
      route = found.name;
      const { status, answer } = await found.serve(request, { settings, ports, remainingTimeMs });
      const response = await respond(status, answer, request, ports);
      tell(route, response.statusCode, 'id' in answer ? { runId: answer.id } : {});
      return response;
    } catch (error) {
      const refused = refusal(error);
      const status = ERROR_STATUSES[refused.code];
      tell(route, status, { code: refused.code, ...(status >= 500 && { reason: reasonOf(error) }) });
      return json(status, { error: { code: refused.code, message: refused.message } }, refused.headers);
    }
  };
}

async function respond(
  status: number,
  answer: Run | RunPage,
  { path }: Pick<ApiRequest, 'path'>,
  ports: PipelinesPorts,
): Promise<ApiResponse> {
  if ('id' in answer) {
    const shown = showRun(answer, await ports.runs.counts(answer));
    return json(status, shown, status === 201 ? { Location: `${path}/${answer.id}` } : {});
  }
  // At most a page of them.
  const pipelines = await Promise.all(answer.runs.map(async (run) => showRun(run, await ports.runs.counts(run))));
  return json(status, { pipelines, next: answer.next ?? null });
}

function json(statusCode: number, value: unknown, headers: Readonly<Record<string, string>> = {}): ApiResponse {
  return { statusCode, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

function refusal(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof KeyReused) {
    return new ApiError('KEY_REUSED', 'Idempotency-Key: received with another request before, allowed: a new one');
  }
  if (error instanceof StillInProgress) {
    const message = 'a request with this Idempotency-Key is being worked on';
    return new ApiError('IN_PROGRESS', message, RETRY_AFTER);
  }
  if (error instanceof Unavailable) {
    return new ApiError(error.isThrottled ? 'THROTTLED' : 'UNAVAILABLE', `${error.message}, ask again`, RETRY_AFTER);
  }
  if (error instanceof StateUnavailable) {
    return new ApiError('UNAVAILABLE', 'the state table does not answer, ask again', RETRY_AFTER);
  }
  return new ApiError('INTERNAL', 'the request could not be answered; its log says why');
}

function reasonOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  const cause = Error.isError(error.cause) ? `: ${error.cause.name}: ${error.cause.message}` : '';
  return `${error.name}: ${error.message}${cause}`;
}
