/** Gateway responses, API keys and usage plans of a template. */
import type { ResourceKind } from '../service.ts';
import type { ApiStore } from './api-store.ts';
import {
  apiKeyShape,
  gatewayResponseShape,
  parseProperties,
  throttleOf,
  usagePlanKeyShape,
  usagePlanShape,
} from './definitions.ts';
import { isResponseType } from './gateway-response.ts';
import { derivedId, derivedKey } from './identity.ts';

const TAGS = 'no operation that is served locally reads them';

export function createGatewayKinds(store: ApiStore): readonly ResourceKind[] {
  return [gatewayResponseKind(store), apiKeyKind(store), usagePlanKind(store), usagePlanKeyKind(store)];
}

function gatewayResponseKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::GatewayResponse';
  return {
    type,
    executed: ['ResponseParameters', 'ResponseTemplates', 'ResponseType', 'RestApiId', 'StatusCode'],
    inert: {},
    identify: (_properties, context) => ({ ref: derivedId(context), attributes: { Id: derivedId(context) } }),
    create(properties, _identity, context) {
      const given = parseProperties(type, gatewayResponseShape, properties, context);
      const prefix = 'gatewayresponse.header.';
      const names = Object.keys(given.ResponseParameters);
      const stranger =
        names.find((name) => !name.startsWith(prefix)) ??
        (isResponseType(given.ResponseType) ? undefined : given.ResponseType);
      if (stranger !== undefined) throw new Error(`${context.logicalId} (${type}): ${stranger} is not run locally`);
      store.api(given.RestApiId).gatewayResponses.set(given.ResponseType, {
        status: given.StatusCode,
        templates: new Map(Object.entries(given.ResponseTemplates)),
        parameters: new Map(
          Object.entries(given.ResponseParameters).map(([name, value]) => [name.slice(prefix.length), value]),
        ),
      });
    },
  };
}

function apiKeyKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::ApiKey';
  return {
    type,
    executed: ['Enabled', 'Name', 'Value'],
    inert: {
      CustomerId: 'it is for the AWS Marketplace',
      Description: 'it is for readers',
      GenerateDistinctId: 'ids are derived from the template locally',
      StageKeys: 'a key belongs to the stages of its usage plans',
      Tags: TAGS,
    },
    identify: (_properties, context) => ({ ref: derivedId(context), attributes: { APIKeyId: derivedId(context) } }),
    create(properties, { ref }, context) {
      const { Name = context.logicalId, Value, Enabled } = parseProperties(type, apiKeyShape, properties, context);
      store.apiKeys.set(ref, { id: ref, name: Name, value: Value ?? derivedKey(context), isEnabled: Enabled });
    },
  };
}

function usagePlanKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::UsagePlan';
  return {
    type,
    executed: ['ApiStages', 'Quota', 'Throttle'],
    inert: { Description: 'it is for readers', Tags: TAGS, UsagePlanName: 'it is for readers' },
    identify: (_properties, context) => ({ ref: derivedId(context), attributes: { Id: derivedId(context) } }),
    create(properties, { ref }, context) {
      const { Throttle, Quota, ApiStages } = parseProperties(type, usagePlanShape, properties, context);
      store.usagePlans.set(ref, {
        id: ref,
        throttle: throttleOf(Throttle),
        quota: Quota && { limit: Quota.Limit, period: Quota.Period },
        stages: ApiStages.map(({ ApiId, Stage, Throttle: methods }) => ({
          apiId: ApiId,
          stage: Stage,
          throttles: new Map(
            Object.entries(methods).map(([method, throttle]) => [
              method.replace(/\/([A-Z*]+)$/, ' $1'),
              { rateLimit: throttle.RateLimit, burstLimit: throttle.BurstLimit },
            ]),
          ),
        })),
        keys: new Set(),
      });
    },
  };
}

function usagePlanKeyKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::UsagePlanKey';
  return {
    type,
    executed: ['KeyId', 'KeyType', 'UsagePlanId'],
    inert: {},
    identify: (_properties, context) => ({ ref: derivedId(context), attributes: { Id: derivedId(context) } }),
    create(properties, _identity, context) {
      const { KeyId, UsagePlanId } = parseProperties(type, usagePlanKeyShape, properties, context);
      const plan = store.usagePlans.get(UsagePlanId);
      if (!plan) throw new Error(`${context.logicalId} (${type}): there is no usage plan ${UsagePlanId}`);
      plan.keys.add(KeyId);
    },
  };
}
