/** API Gateway: the REST APIs of a template, as far as README.md says. */
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { InvocableFunctions, LogSink, ServiceActions } from '../ports.ts';
import type { Environment, LocalService, ServiceRequest, ServiceResponse } from '../service.ts';
import { EXECUTE_API_PATH } from './api-address.ts';
import { ApiStore } from './api-store.ts';
import { apiGatewayKinds } from './resource-kinds.ts';
import { serveRequest } from './serve-request.ts';
import { Throttles } from './throttle.ts';

export interface ApiGatewayOptions {
  readonly actions: ServiceActions;
  readonly functions: InvocableFunctions;
  readonly logs: LogSink;
  /** Whether methods with AWS_IAM take requests only that are signed with the secret `local`. Default false. */
  readonly enforceIam?: boolean;
  /** Gets one line for what a client only sees as 500 or 502. Default: standard error. */
  readonly warn?: (line: string) => void;
}

export interface ApiDescription {
  readonly id: string;
  readonly name: string;
  /** By stage, without a slash at the end: `http://127.0.0.1:4566/_aws/execute-api/<id>/<stage>`. */
  readonly urls: Readonly<Record<string, string>>;
}

export interface ApiGatewayService extends LocalService {
  readonly faults: FaultSwitch;
  readonly apis: () => readonly ApiDescription[];
  /** @param apiName as in the template @throws Error naming the APIs and stages there are */
  readonly urlOf: (apiName: string, stage: string) => string;
  /** The value that clients send as `x-api-key`, by the key's name or id. @throws Error naming the keys there are */
  readonly keyValueOf: (nameOrId: string) => string;
}

/** The one operation that can be made to fail: a request to an API. */
const OPERATION = 'Invoke';

export function createApiGatewayService(environment: Environment, options: ApiGatewayOptions): ApiGatewayService {
  const { account, clock, endpoint } = environment;
  const { warn = (line: string) => void process.stderr.write(`${line}\n`), enforceIam = false } = options;
  const store = new ApiStore();
  const throttles = new Throttles(clock);
  let underWay = 0;

  async function serve(request: ServiceRequest): Promise<ServiceResponse> {
    underWay += 1;
    try {
      return await serveRequest(request, { ...options, store, throttles, clock, account, enforceIam, warn });
    } finally {
      underWay -= 1;
    }
  }

  const handle = Object.assign(serve, { operations: [OPERATION], operationOf: () => OPERATION });
  const apis = (): readonly ApiDescription[] =>
    [...store.apis.values()].map(({ id, name, stages }) => ({
      id,
      name,
      urls: Object.fromEntries(
        [...stages.keys()].map((stage) => [stage, `${endpoint}${EXECUTE_API_PATH}${id}/${stage}`]),
      ),
    }));

  return {
    scope: 'execute-api',
    handle,
    faults: new FaultSwitch({ scope: 'execute-api', clock, handle: () => handle }),
    resourceKinds: apiGatewayKinds(store),
    idle: () => underWay === 0,
    apis,
    urlOf(apiName, stage) {
      const url = apis().find(({ name }) => name === apiName)?.urls[stage];
      if (url !== undefined) return url;
      const known = apis().map(({ name, urls }) => `${name} (${Object.keys(urls).join(', ')})`);
      throw new Error(`There is no stage ${stage} of an API ${apiName}. APIs: ${known.join('; ') || 'none'}.`);
    },
    keyValueOf(nameOrId) {
      const keys = [...store.apiKeys.values()];
      const found = keys.find(({ id, name }) => id === nameOrId || name === nameOrId);
      if (found) return found.value;
      throw new Error(
        `There is no API key ${nameOrId}. API keys: ${keys.map(({ name }) => name).join(', ') || 'none'}.`,
      );
    },
  };
}
