/** The API, stage and path that a request is for: in its path, or in its host as on AWS. Pure. */
import type { ServiceRequest } from '../service.ts';

export interface ApiAddress {
  readonly apiId: string;
  readonly stage: string;
  /** Below the stage, percent-encoded, beginning with `/`. */
  readonly path: string;
}

/** Where the APIs of the local runtime are: `/_aws/execute-api/<id>/<stage>/<path>`. No bucket has such a name. */
export const EXECUTE_API_PATH = '/_aws/execute-api/';

const BY_PATH = /^\/_aws\/execute-api\/([^/]+)\/([^/]+)(\/.*)?$/;
const BY_HOST = /^([a-z0-9]+)\.execute-api\./i;
const STAGE = /^\/([^/]+)(\/.*)?$/;

/** Undefined where it names none. */
export function apiAddress({ path, headers }: Pick<ServiceRequest, 'path' | 'headers'>): ApiAddress | undefined {
  const [, apiId, stage, below = '/'] = BY_PATH.exec(path) ?? [];
  if (apiId !== undefined && stage !== undefined) return { apiId, stage, path: below };
  const host = BY_HOST.exec(headers.host ?? '')?.[1];
  const [, hostStage, hostPath = '/'] = STAGE.exec(path) ?? [];
  if (host === undefined || hostStage === undefined) return undefined;
  return { apiId: host.toLowerCase(), stage: hostStage, path: hostPath };
}

/** True for a request that its path or host addresses to an API. */
export function isForApi({ path, headers }: Pick<ServiceRequest, 'path' | 'headers'>): boolean {
  return path.startsWith(EXECUTE_API_PATH) || BY_HOST.test(headers.host ?? '');
}
