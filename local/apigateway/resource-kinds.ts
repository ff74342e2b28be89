/**
 * The resource types of a template that API Gateway makes real, in the order in which they refer to one another. What `Ref` and
 * `Fn::GetAtt` give is on the page of each type, "Return values":
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGateway.html
 */
import type { Identity, Properties, ResourceContext, ResourceKind } from '../service.ts';
import type { ApiStore } from './api-store.ts';
import {
  methodThrottles,
  modelShape,
  parseProperties,
  resourceShape,
  restApiShape,
  stageShape,
  validatorShape,
} from './definitions.ts';
import { createGatewayKinds } from './gateway-kinds.ts';
import { derivedId } from './identity.ts';
import { inertGatewayKinds } from './inert-kinds.ts';
import { METHOD_EXECUTED, METHOD_INERT, parseMethod } from './method-definition.ts';
import type { RestApi } from './rest-api.ts';
import { compileModel } from './validate-body.ts';

const TAGS = 'no operation that is served locally reads them';
const ACCESS = 'access is not checked locally';

export function apiGatewayKinds(store: ApiStore): readonly ResourceKind[] {
  return [
    restApiKind(store),
    resourceKind(store),
    modelKind(store),
    validatorKind(store),
    methodKind(store),
    deploymentKind(),
    stageKind(store),
    ...createGatewayKinds(store),
    ...inertGatewayKinds(),
  ];
}

const idAs =
  (...attributes: readonly string[]) =>
  (_properties: Properties, context: ResourceContext): Identity => {
    const id = derivedId(context);
    return { ref: id, attributes: Object.fromEntries(attributes.map((name) => [name, id])) };
  };

function restApiKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::RestApi';
  return {
    type,
    executed: ['ApiKeySourceType', 'Description', 'Name'],
    inert: {
      EndpointConfiguration: 'there is one local endpoint',
      FailOnWarnings: 'it concerns APIs that are imported',
      Policy: ACCESS,
      Tags: TAGS,
    },
    identify: (_properties, context) => {
      const id = derivedId(context);
      return { ref: id, attributes: { RestApiId: id, RootResourceId: derivedId(context, 'root') } };
    },
    create(properties, { ref }, context) {
      const { Name } = parseProperties(type, restApiShape, properties, context);
      store.apis.set(ref, createApi(ref, Name, derivedId(context, 'root')));
    },
  };
}

function createApi(id: string, name: string, rootResourceId: string): RestApi {
  const any = { contentType: 'application/json', validate: compileModel({}) };
  const root = { id: rootResourceId, pathPart: '', path: '/', children: [], methods: new Map() };
  return {
    id,
    name,
    rootResourceId,
    resources: new Map([[rootResourceId, root]]),
    models: new Map([
      ['Empty', any],
      ['Error', any],
    ]),
    validators: new Map(),
    gatewayResponses: new Map(),
    stages: new Map(),
  };
}

function resourceKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::Resource';
  return {
    type,
    executed: ['ParentId', 'PathPart', 'RestApiId'],
    inert: {},
    identify: idAs('ResourceId'),
    create(properties, { ref }, context) {
      const { RestApiId, ParentId, PathPart } = parseProperties(type, resourceShape, properties, context);
      const api = store.api(RestApiId);
      const parent = store.resource(api, ParentId);
      const path = `${parent.path === '/' ? '' : parent.path}/${PathPart}`;
      const resource = { id: ref, pathPart: PathPart, path, children: [], methods: new Map() };
      parent.children.push(resource);
      api.resources.set(ref, resource);
    },
  };
}

function modelKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::Model';
  return {
    type,
    executed: ['ContentType', 'Name', 'RestApiId', 'Schema'],
    inert: { Description: 'it is for readers' },
    identify: (properties, context) => ({
      ref: typeof properties.Name === 'string' ? properties.Name : derivedId(context),
      attributes: {},
    }),
    create(properties, { ref }, context) {
      const { RestApiId, ContentType, Schema } = parseProperties(type, modelShape, properties, context);
      try {
        store.api(RestApiId).models.set(ref, { contentType: ContentType, validate: compileModel(Schema) });
      } catch (error) {
        const reason = Error.isError(error) ? error.message : String(error);
        throw new Error(`${context.logicalId} (${type}): Schema: ${reason}`, { cause: error });
      }
    },
  };
}

function validatorKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::RequestValidator';
  return {
    type,
    executed: ['Name', 'RestApiId', 'ValidateRequestBody', 'ValidateRequestParameters'],
    inert: {},
    identify: idAs('RequestValidatorId'),
    create(properties, { ref }, context) {
      const given = parseProperties(type, validatorShape, properties, context);
      const validator = { body: given.ValidateRequestBody, parameters: given.ValidateRequestParameters };
      store.api(given.RestApiId).validators.set(ref, validator);
    },
  };
}

function methodKind(store: ApiStore): ResourceKind {
  return {
    type: 'AWS::ApiGateway::Method',
    executed: METHOD_EXECUTED,
    inert: METHOD_INERT,
    identify: idAs(),
    create(properties, _identity, context) {
      const api = store.api(String(properties.RestApiId));
      const method = parseMethod(properties, context, api);
      store.resource(api, String(properties.ResourceId)).methods.set(method.httpMethod, method);
    },
  };
}

function deploymentKind(): ResourceKind {
  return {
    type: 'AWS::ApiGateway::Deployment',
    executed: ['RestApiId'],
    inert: { Description: 'it is for readers' },
    identify: idAs('DeploymentId'),
  };
}

function stageKind(store: ApiStore): ResourceKind {
  const type = 'AWS::ApiGateway::Stage';
  return {
    type,
    executed: ['AccessLogSetting', 'DeploymentId', 'MethodSettings', 'RestApiId', 'StageName', 'Variables'],
    inert: { Description: 'it is for readers', TracingEnabled: 'nothing is traced locally', Tags: TAGS },
    identify: (properties) => ({ ref: String(properties.StageName), attributes: {} }),
    create(properties, { ref }, context) {
      const given = parseProperties(type, stageShape, properties, context);
      const { AccessLogSetting: log } = given;
      store.api(given.RestApiId).stages.set(ref, {
        apiId: given.RestApiId,
        name: ref,
        deploymentId: given.DeploymentId,
        variables: given.Variables,
        accessLog: log && { group: groupOf(log.DestinationArn, context), format: log.Format },
        throttles: methodThrottles(given.MethodSettings),
      });
    },
  };
}

/** @throws Error for a destination that is no log group */
function groupOf(arn: string, context: ResourceContext): string {
  const group = /^arn:[^:]+:logs:[^:]*:[^:]*:log-group:([^:]+)(?::\*)?$/.exec(arn)?.[1];
  if (group !== undefined) return group;
  throw new Error(
    `${context.logicalId} (AWS::ApiGateway::Stage): AccessLogSetting.DestinationArn: a log group, received ${arn}`,
  );
}
