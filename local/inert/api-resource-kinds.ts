/** A REST API that is declared and not served yet: the local API Gateway takes these types over, and this file goes. */
import type { ResourceKind } from '../service.ts';

const REASON = 'the local API Gateway does not serve it yet';

const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  RestApi: ['ApiKeySourceType', 'Description', 'EndpointConfiguration', 'Name', 'Tags'],
  Account: ['CloudWatchRoleArn'],
  Deployment: ['Description', 'RestApiId'],
  Stage: ['AccessLogSetting', 'DeploymentId', 'MethodSettings', 'RestApiId', 'StageName', 'Tags', 'TracingEnabled'],
  Resource: ['ParentId', 'PathPart', 'RestApiId'],
  Method: [
    ...['ApiKeyRequired', 'AuthorizationType', 'HttpMethod', 'Integration', 'MethodResponses', 'RequestModels'],
    ...['RequestParameters', 'RequestValidatorId', 'ResourceId', 'RestApiId'],
  ],
  GatewayResponse: ['ResponseTemplates', 'ResponseType', 'RestApiId', 'StatusCode'],
  RequestValidator: ['RestApiId', 'ValidateRequestBody', 'ValidateRequestParameters'],
  Model: ['ContentType', 'Description', 'RestApiId', 'Schema'],
};

export function inertApiResourceKinds(): readonly ResourceKind[] {
  return Object.entries(PROPERTIES).map(([name, properties]) => ({
    type: `AWS::ApiGateway::${name}`,
    executed: [],
    inert: Object.fromEntries(properties.map((property) => [property, REASON])),
    identify: (_properties, { logicalId }) => ({ ref: logicalId, attributes: { RootResourceId: logicalId } }),
  }));
}
