/** Which request is answered by what. */
import type { Run } from '../runs/run.ts';
import type { RunPage } from '../runs/runs-port.ts';
import { ApiError } from './api-error.ts';
import type { ApiRequest } from './api-request.ts';
import { createPipeline } from './create-pipeline.ts';
import { listRuns } from './list-runs.ts';
import type { RouteContext } from './request-context.ts';
import { addRecords, completeRun, findRun, stopRun } from './run-routes.ts';

export interface Answer {
  readonly status: number;
  readonly answer: Run | RunPage;
}

export interface Route {
  /** Method and resource, such as `GET /pipelines/{id}`. */
  readonly name: string;
  serve(request: ApiRequest, context: RouteContext): Promise<Answer>;
}

type Serve = (id: string, request: ApiRequest, context: RouteContext) => Promise<Answer>;

/** By resource, and by method. The order in which they are told. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Serve>>>> = {
  '/pipelines': {
    POST: async (_, request, context) => ({ status: 201, answer: await createPipeline(request, context) }),
    GET: async (_, request, context) => ({ status: 200, answer: await listRuns(request, context) }),
  },
  '/pipelines/{id}': {
    GET: async (id, _, context) => ({ status: 200, answer: await findRun(id, context) }),
    DELETE: async (id, _, context) => ({ status: 202, answer: await stopRun(id, context) }),
  },
  '/pipelines/{id}/records': {
    POST: async (id, request, context) => ({ status: 202, answer: await addRecords(id, request, context) }),
  },
  '/pipelines/{id}/complete': {
    POST: async (id, request, context) => ({ status: 202, answer: await completeRun(id, request, context) }),
  },
};

/** @throws ApiError when there is no such resource, or it has no such method */
export function routeRequest({ method, segments }: Pick<ApiRequest, 'method' | 'segments'>): Route {
  const [top, id = '', ...rest] = segments;
  const resource = `/${[top, ...(segments.length > 1 ? ['{id}'] : []), ...rest].join('/')}`;
  const methods = Object.hasOwn(ROUTES, resource) ? ROUTES[resource] : undefined;
  if (methods === undefined) {
    throw new ApiError('NOT_FOUND', `there is no such resource, allowed: ${Object.keys(ROUTES).join(', ')}`);
  }
  const serve = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (serve === undefined) {
    const allowed = Object.keys(methods).join(', ');
    throw new ApiError('METHOD_NOT_ALLOWED', `${resource}: received ${method.slice(0, 20)}, allowed: ${allowed}`, {
      Allow: allowed,
    });
  }
  return { name: `${method} ${resource}`, serve: (request, context) => serve(id, request, context) };
}
