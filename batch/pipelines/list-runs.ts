/** `GET /pipelines?status=&limit=&next=` */
import { RUN_STATUSES, type RunStatus } from '../runs/run.ts';
import type { RunPage } from '../runs/runs-port.ts';
import { invalid } from './api-error.ts';
import type { ApiRequest } from './api-request.ts';
import type { RouteContext } from './request-context.ts';

export const LIMIT_MAX = 50;
const LIMIT = 20;
const KNOWN = ['status', 'limit', 'next'];

/** @throws ApiError for what is none of its parameters, or not allowed as one */
export async function listRuns({ query }: ApiRequest, { ports }: Pick<RouteContext, 'ports'>): Promise<RunPage> {
  for (const name of Object.keys(query)) {
    if (!KNOWN.includes(name)) throw invalid('query', name, KNOWN.join(', '));
  }
  const status = readStatus(query.status);
  const limit = readLimit(query.limit);
  const { next } = query;
  if (next !== undefined && typeof next !== 'string') throw invalid('next', next, 'next of the page before');
  try {
    return await ports.runs.list(status, limit, next);
  } catch (error) {
    if (error instanceof RangeError && next !== undefined) throw invalid('next', next, 'next of the page before');
    throw error;
  }
}

function readStatus(value: unknown = 'running'): RunStatus {
  const found = RUN_STATUSES.find((status) => status === value);
  if (found === undefined) throw invalid('status', value, RUN_STATUSES.join(', '));
  return found;
}

function readLimit(value: unknown): number {
  if (value === undefined) return LIMIT;
  const limit = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (limit < 1 || limit > LIMIT_MAX) throw invalid('limit', value, `a whole number from 1 to ${LIMIT_MAX}`);
  return limit;
}
