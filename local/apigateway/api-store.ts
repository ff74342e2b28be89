/** All that the template declares of API Gateway, by its ids. */
import type { ApiKey, ApiResource, RestApi, UsagePlan } from './rest-api.ts';

export class ApiStore {
  readonly apis = new Map<string, RestApi>();
  /** By id. */
  readonly usagePlans = new Map<string, UsagePlan>();
  /** By id. */
  readonly apiKeys = new Map<string, ApiKey>();

  /** @throws Error naming the APIs there are */
  api(id: string): RestApi {
    const api = this.apis.get(id);
    if (api) return api;
    throw new Error(`RestApiId: there is no REST API ${id}. REST APIs: ${[...this.apis.keys()].join(', ') || 'none'}`);
  }

  /** @throws Error */
  resource(api: RestApi, id: string): ApiResource {
    const resource = api.resources.get(id);
    if (resource) return resource;
    throw new Error(`ResourceId: the API ${api.name} has no resource ${id}`);
  }

  /** The key that a client sent as `x-api-key`; undefined for one that there is not, or that is switched off. */
  enabledKey(value: string): ApiKey | undefined {
    return [...this.apiKeys.values()].find((key) => key.isEnabled && key.value === value);
  }

  /** Plans with a stage of an API; those that a key is in come from `keys`. */
  plansOf(apiId: string, stage: string): readonly UsagePlan[] {
    return [...this.usagePlans.values()].filter((plan) =>
      plan.stages.some((each) => each.apiId === apiId && each.stage === stage),
    );
  }
}
