/**
 * What a request has to pass before its integration: authorization, API key, throttles and validation, in the order in
 * which API Gateway has them. Each throws a GatewayError.
 */
import { AwsError } from '../service.ts';
import type { ApiStore } from './api-store.ts';
import { type Call, identify } from './call.ts';
import { byContentType, DEFAULT_CONTENT_TYPE } from './content-type.ts';
import type { FoundMethod } from './find-method.ts';
import { GatewayError } from './gateway-response.ts';
import type { ApiKey, Throttle, UsagePlan } from './rest-api.ts';
import type { Throttles } from './throttle.ts';
import { verifySignature } from './verify-signature.ts';

export interface AdmitOptions {
  readonly store: ApiStore;
  readonly throttles: Throttles;
  /** Whether methods with AWS_IAM take signed requests only. */
  readonly enforceIam: boolean;
  readonly account: string;
}

export function admit(call: Call, found: FoundMethod, options: AdmitOptions): void {
  if (options.enforceIam && found.method.authorizationType === 'AWS_IAM') authorize(call, options.account);
  const client = clientOf(call, found, options.store);
  throttle(call, found, client, options.throttles);
  if (found.method.validator.parameters) checkParameters(call, found);
  if (found.method.validator.body) checkBody(call, found);
}

/** Who signed may call: policies are not looked at. */
function authorize(call: Call, account: string): void {
  try {
    const accessKey = verifySignature(call.request, call.bytes);
    const userArn = `arn:aws:iam::${account}:user/${accessKey}`;
    identify(call, { accessKey, accountId: account, caller: accessKey, user: accessKey, userArn });
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const type = error.code === 'MissingAuthenticationToken' ? 'MISSING_AUTHENTICATION_TOKEN' : 'INVALID_SIGNATURE';
    throw new GatewayError(type, { message: error.message });
  }
}

interface Client {
  readonly key: ApiKey;
  readonly plan: UsagePlan;
}

/** Undefined for a method that asks for no key. */
function clientOf(call: Call, { method }: FoundMethod, store: ApiStore): Client | undefined {
  if (!method.apiKeyRequired) return undefined;
  const value = call.request.headers['x-api-key'];
  const key = value === undefined ? undefined : store.enabledKey(value);
  const plan = key && store.plansOf(call.api.id, call.stage.name).find(({ keys }) => keys.has(key.id));
  if (!key || !plan) throw new GatewayError('INVALID_API_KEY');
  identify(call, { apiKeyId: key.id });
  return { key, plan };
}

function throttle(call: Call, found: FoundMethod, client: Client | undefined, throttles: Throttles): void {
  const stage = `${call.api.id}/${call.stage.name}`;
  const limits: (readonly [name: string, limit: Throttle])[] = stageLimits(call, found).map(([name, limit]) => [
    `${stage} ${name}`,
    limit,
  ]);
  if (client) {
    const { plan, key } = client;
    const name = `${plan.id}/${key.id} ${stage}`;
    const methods = plan.stages.find((each) => each.apiId === call.api.id && each.stage === call.stage.name)?.throttles;
    const ofMethod = methods?.get(settingName(found, found.method.httpMethod));
    if (ofMethod) limits.push([`${name} ${settingName(found, found.method.httpMethod)}`, ofMethod]);
    if (plan.throttle) limits.push([name, plan.throttle]);
  }
  if (!throttles.take(limits)) throw new GatewayError('THROTTLED');
  if (client && !throttles.use(client.plan, client.key.id)) throw new GatewayError('QUOTA_EXCEEDED');
}

/** The method's own setting, or else the one that all methods of the stage share. */
function stageLimits({ stage, request }: Call, found: FoundMethod): (readonly [name: string, limit: Throttle])[] {
  for (const name of [
    settingName(found, found.method.httpMethod),
    settingName(found, request.method),
    settingName(found, '*'),
    '/* *',
  ]) {
    const limit = stage.throttles.get(name);
    if (limit && (limit.rateLimit !== undefined || limit.burstLimit !== undefined)) return [[name, limit]];
  }
  return [];
}

function settingName({ resource }: FoundMethod, httpMethod: string): string {
  return `${resource.path} ${httpMethod}`;
}

function checkParameters({ sources, contentType }: Call, { method }: FoundMethod): void {
  const { header, querystring, path } = sources.request;
  const missing = [...method.requestParameters]
    .filter(([, isRequired]) => isRequired)
    .map(([location]) => location.split('.'))
    .filter(([, , place = '', ...name]) => {
      const key = name.join('.');
      if (place === 'header') return !(header[key.toLowerCase()] ?? (key === 'Content-Type' ? contentType : ''));
      return !(place === 'querystring' ? querystring : path)[key];
    })
    .map(([, , , ...name]) => name.join('.'));
  if (missing.length === 0) return;
  throw new GatewayError('BAD_REQUEST_PARAMETERS', {
    message: `Missing required request parameters: [${missing.join(', ')}]`,
  });
}

/** A content type without a model is not checked, as on AWS: `passthroughBehavior` keeps it out. */
function checkBody({ body, contentType = DEFAULT_CONTENT_TYPE }: Call, { method }: FoundMethod): void {
  const validationErrorString = byContentType(method.requestModels, contentType)?.validate(body);
  if (validationErrorString !== undefined) throw new GatewayError('BAD_REQUEST_BODY', { validationErrorString });
}
