/** `AWS::ApiGateway::Method` as the template declares it, with what is not run locally refused by name. */
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Properties, ResourceContext } from '../service.ts';
import { flag } from './definitions.ts';
import { checkRequestParameters, checkResponseParameters } from './parameter-mapping.ts';
import type { Integration, IntegrationResponse, Method, RestApi, Validator } from './rest-api.ts';
import { compileTemplate, type Template } from './vtl/compile-template.ts';

const ACCESS = 'access is not checked locally';

export const METHOD_EXECUTED = [
  'ApiKeyRequired',
  'AuthorizationType',
  'HttpMethod',
  'Integration',
  'MethodResponses',
  'RequestModels',
  'RequestParameters',
  'RequestValidatorId',
  'ResourceId',
  'RestApiId',
];

export const METHOD_INERT = {
  AuthorizationScopes: ACCESS,
  OperationName: 'it names the method in SDKs that are generated',
};

/** Milliseconds that an integration may take, and what it gets without a setting: api-gateway-execution-service-limits-table.html */
const TIMEOUT_MS_MIN = 50;
const TIMEOUT_MS_MAX = 29_000;

const texts = z.record(z.string(), z.string()).default({});

const integrationResponse = z.strictObject({
  StatusCode: z.coerce.number().int().min(100).max(599),
  SelectionPattern: z.string().optional(),
  ResponseTemplates: texts,
  ResponseParameters: texts,
});

const integration = z.strictObject({
  Type: z.enum(['AWS', 'AWS_PROXY', 'MOCK'], {
    error: 'the local API Gateway has integrations AWS, AWS_PROXY and MOCK',
  }),
  Uri: z.string().optional(),
  IntegrationHttpMethod: z.literal('POST', { error: 'an integration with AWS is called by POST' }).optional(),
  /** The role that calls; access is not checked locally. */
  Credentials: z.string().optional(),
  TimeoutInMillis: z.coerce.number().int().min(TIMEOUT_MS_MIN).max(TIMEOUT_MS_MAX).default(TIMEOUT_MS_MAX),
  PassthroughBehavior: z.enum(['WHEN_NO_MATCH', 'WHEN_NO_TEMPLATES', 'NEVER']).default('WHEN_NO_MATCH'),
  RequestTemplates: texts,
  RequestParameters: texts,
  IntegrationResponses: z.array(integrationResponse).default([]),
});

const shape = z.object({
  HttpMethod: z.enum(['ANY', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']),
  AuthorizationType: z
    .enum(['NONE', 'AWS_IAM'], { error: 'the local API Gateway authorizes by NONE or AWS_IAM' })
    .default('NONE'),
  ApiKeyRequired: flag.default(false),
  RequestValidatorId: z.string().optional(),
  RequestModels: texts,
  RequestParameters: z.record(z.string(), flag).default({}),
  MethodResponses: z
    .array(
      z.strictObject({
        StatusCode: z.coerce.number().int(),
        ResponseParameters: z.record(z.string(), flag).default({}),
        /** They describe answers in SDKs that are generated. */
        ResponseModels: texts,
      }),
    )
    .default([]),
  Integration: integration,
});

type GivenIntegration = z.infer<typeof integration>;

/** @throws Error in one line naming what is wrong, and the method's logical id */
export function parseMethod(properties: Properties, context: ResourceContext, api: RestApi): Method {
  const where = `${context.logicalId} (AWS::ApiGateway::Method)`;
  const parsed = shape.safeParse(properties);
  if (!parsed.success) throw new Error(`${where}: ${describeIssues(parsed.error)}`);
  const given = parsed.data;
  try {
    const methodResponses = new Map(
      given.MethodResponses.map(({ StatusCode, ResponseParameters }) => [
        StatusCode,
        new Set(Object.keys(ResponseParameters)),
      ]),
    );
    const requestParameters = new Map(Object.entries(given.RequestParameters));
    checkRequestParameters(given.Integration.RequestParameters, requestParameters);
    for (const response of given.Integration.IntegrationResponses) {
      checkIntegrationResponse(response.StatusCode, response.ResponseParameters, methodResponses);
    }
    return {
      httpMethod: given.HttpMethod,
      authorizationType: given.AuthorizationType,
      apiKeyRequired: given.ApiKeyRequired,
      validator: validatorOf(given.RequestValidatorId, api),
      requestParameters,
      requestModels: new Map(Object.entries(given.RequestModels).map(([type, name]) => [type, modelOf(name, api)])),
      methodResponses,
      integration: integrationOf(given.Integration),
    };
  } catch (error) {
    throw new Error(`${where}: ${Error.isError(error) ? error.message : String(error)}`, { cause: error });
  }
}

function validatorOf(id: string | undefined, api: RestApi): Validator {
  if (id === undefined) return { body: false, parameters: false };
  const validator = api.validators.get(id);
  if (validator) return validator;
  throw new Error(`RequestValidatorId: there is no validator ${id}`);
}

function modelOf(name: string, api: RestApi) {
  const model = api.models.get(name);
  if (model) return model;
  throw new Error(`RequestModels: there is no model ${name}. Models: ${[...api.models.keys()].join(', ')}`);
}

function checkIntegrationResponse(
  status: number,
  parameters: Readonly<Record<string, string>>,
  declared: ReadonlyMap<number, ReadonlySet<string>>,
): void {
  const headers = declared.get(status);
  if (!headers) {
    throw new Error(`the integration response ${status} has no method response of this status; AWS would answer 500`);
  }
  checkResponseParameters(parameters, headers);
}

function integrationOf(given: GivenIntegration): Integration {
  const responses = given.IntegrationResponses.map(
    (response): IntegrationResponse => ({
      status: response.StatusCode,
      selectionPattern: patternOf(response.SelectionPattern),
      templates: templatesOf(response.ResponseTemplates),
      parameters: headersOf(response.ResponseParameters, 'method.response.header.'),
    }),
  );
  return {
    target: targetOf(given),
    timeoutMs: given.TimeoutInMillis,
    passthroughBehavior: given.PassthroughBehavior,
    templates: templatesOf(given.RequestTemplates),
    parameters: headersOf(given.RequestParameters, 'integration.request.header.'),
    responses,
  };
}

const FUNCTION_URI = /^arn:[^:]+:apigateway:[^:]+:lambda:path\/2015-03-31\/functions\/(arn:[^/]+)\/invocations$/;
const ACTION_URI = /^arn:[^:]+:apigateway:[^:]+:([a-z0-9-]+):action\/(\w+)$/;
/** Operations that the local API Gateway passes on. */
const ACTIONS = ['kinesis:action/PutRecord', 'kinesis:action/PutRecords'];

function targetOf({ Type, Uri = '', IntegrationHttpMethod }: GivenIntegration): Integration['target'] {
  if (Type === 'MOCK') return { type: 'MOCK' };
  if (IntegrationHttpMethod === undefined) throw new Error('IntegrationHttpMethod: POST, received nothing');
  if (Type === 'AWS_PROXY') {
    const [, functionArn] = FUNCTION_URI.exec(Uri) ?? [];
    if (functionArn !== undefined) return { type: 'AWS_PROXY', functionArn };
    throw new Error(`Uri of AWS_PROXY: the invocations of a Lambda function, received ${JSON.stringify(Uri)}`);
  }
  const [, service = '', action = ''] = ACTION_URI.exec(Uri) ?? [];
  if (ACTIONS.includes(`${service}:action/${action}`)) return { type: 'AWS', service, action };
  throw new Error(`Uri of AWS: one of ${ACTIONS.join(', ')}, received ${JSON.stringify(Uri)}`);
}

function templatesOf(given: Readonly<Record<string, string>>): ReadonlyMap<string, Template> {
  return new Map(Object.entries(given).map(([contentType, source]) => [contentType, compileTemplate(source)]));
}

/** An empty pattern is none: the default response. */
function patternOf(source: string | undefined): RegExp | undefined {
  return source === undefined || source === '' ? undefined : new RegExp(`^(?:${source})$`, 's');
}

function headersOf(given: Readonly<Record<string, string>>, prefix: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(given).map(([name, expression]) => [name.slice(prefix.length), expression]));
}
