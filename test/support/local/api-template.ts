/** A small template with an API of each kind of method, as CDK writes it: for tests. */

export const API_NAME = 'test-api';
export const STAGE = 'prod';
/** Of the key that the method `/keyed` asks for. */
export const KEY_VALUE = 'a-key-of-twenty-characters';
export const LOG_GROUP = '/aws/apigateway/test';

const API = { Ref: 'Api' };
const ROOT = { 'Fn::GetAtt': ['Api', 'RootResourceId'] };

const resource = (ParentId: object, PathPart: string) => ({
  Type: 'AWS::ApiGateway::Resource',
  Properties: { ParentId, PathPart, RestApiId: API },
});

const method = (ResourceId: object, HttpMethod: string, Integration: object, more: object = {}) => ({
  Type: 'AWS::ApiGateway::Method',
  Properties: { AuthorizationType: 'NONE', HttpMethod, ResourceId, RestApiId: API, Integration, ...more },
});

/** A MOCK that answers 200 with what a template writes of the context. */
export const mock = (response: string, more: object = {}) => ({
  Type: 'MOCK',
  RequestTemplates: { 'application/json': '{"statusCode": 200}' },
  IntegrationResponses: [{ StatusCode: '200', ResponseTemplates: { 'application/json': response } }],
  ...more,
});
const OK = { MethodResponses: [{ StatusCode: '200' }] };

const PUT_RECORD = `#set($key = $input.path('$.id'))
{"StreamName":"events","Data":"$util.base64Encode($input.body)","PartitionKey":"$util.escapeJavaScript($key).replaceAll("\\\\'","'")"}`;

const ERROR = `#set($type = $input.path('$.__type'))
#if($type == 'ProvisionedThroughputExceededException')#set($context.responseOverride.status = 429)#end
{"reason":"$type"}`;

const PUT = {
  Type: 'AWS',
  IntegrationHttpMethod: 'POST',
  Uri: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':apigateway:us-east-1:kinesis:action/PutRecord']] },
  Credentials: 'arn:aws:iam::000000000000:role/put',
  PassthroughBehavior: 'NEVER',
  RequestParameters: { 'integration.request.header.Content-Type': "'application/x-amz-json-1.1'" },
  RequestTemplates: { 'application/json': PUT_RECORD },
  IntegrationResponses: [
    {
      StatusCode: '202',
      SelectionPattern: '200',
      ResponseTemplates: {
        'application/json': `{"shard":"$input.path('$.ShardId')","key":"$input.params('Idempotency-Key')"}`,
      },
      ResponseParameters: { 'method.response.header.X-Put-By': "'gateway'" },
    },
    { StatusCode: '400', SelectionPattern: '4\\d{2}', ResponseTemplates: { 'application/json': ERROR } },
    { StatusCode: '503', ResponseTemplates: { 'application/json': ERROR } },
  ],
};

/** Puts a record whose data says what the request template was given: what a client sends goes through all functions. */
const ECHO = {
  ...PUT,
  PassthroughBehavior: 'WHEN_NO_TEMPLATES',
  RequestTemplates: {
    'application/json': `#set($text = '{"json":'+$input.json('$')+',"note":"'+$util.escapeJavaScript($input.path('$.note')).replaceAll("\\\\'","'")+'"}')
{"StreamName":"events","Data":"$util.base64Encode($text)","PartitionKey":"echo"}`,
  },
  IntegrationResponses: [
    {
      StatusCode: '200',
      ResponseParameters: { 'method.response.header.X-Seen': "'yes'" },
      ResponseTemplates: { 'application/json': '{}' },
    },
  ],
};

const EVENT_SCHEMA = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', minLength: 1, maxLength: 200 } },
};

function api(): Record<string, object> {
  return {
    Api: {
      Type: 'AWS::ApiGateway::RestApi',
      Properties: { Name: API_NAME, EndpointConfiguration: { Types: ['REGIONAL'] } },
    },
    Account: {
      Type: 'AWS::ApiGateway::Account',
      Properties: { CloudWatchRoleArn: 'arn:aws:iam::000000000000:role/log' },
    },
    Deployment: { Type: 'AWS::ApiGateway::Deployment', Properties: { RestApiId: API } },
    Stage: {
      Type: 'AWS::ApiGateway::Stage',
      Properties: {
        RestApiId: API,
        StageName: STAGE,
        DeploymentId: { Ref: 'Deployment' },
        Variables: { colour: 'blue' },
        AccessLogSetting: {
          DestinationArn: { 'Fn::GetAtt': ['AccessLog', 'Arn'] },
          Format: '{"path":"$context.resourcePath","status":"$context.status","user":"$context.identity.user"}',
        },
        MethodSettings: [
          { HttpMethod: '*', ResourcePath: '/*', DataTraceEnabled: false, MetricsEnabled: true, LoggingLevel: 'ERROR' },
          { HttpMethod: 'GET', ResourcePath: '/~1slow', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2 },
        ],
      },
    },
    AccessLog: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: LOG_GROUP } },
    EventModel: {
      Type: 'AWS::ApiGateway::Model',
      Properties: { RestApiId: API, ContentType: 'application/json', Schema: EVENT_SCHEMA },
    },
    Validator: {
      Type: 'AWS::ApiGateway::RequestValidator',
      Properties: { RestApiId: API, ValidateRequestBody: true, ValidateRequestParameters: true },
    },
    BadBody: {
      Type: 'AWS::ApiGateway::GatewayResponse',
      Properties: {
        RestApiId: API,
        ResponseType: 'BAD_REQUEST_BODY',
        StatusCode: '400',
        ResponseParameters: { 'gatewayresponse.header.X-Refused': "'body'" },
        ResponseTemplates: {
          'application/json':
            '{"message":$context.error.messageString,"reason":"$context.error.validationErrorString","at":"$context.resourcePath"}',
        },
      },
    },
  };
}

function methods(): Record<string, object> {
  const model = {
    RequestValidatorId: { Ref: 'Validator' },
    RequestModels: { 'application/json': { Ref: 'EventModel' } },
  };
  const put = {
    ...model,
    RequestParameters: { 'method.request.header.Idempotency-Key': false },
    MethodResponses: [
      { StatusCode: '202', ResponseParameters: { 'method.response.header.X-Put-By': true } },
      { StatusCode: '400' },
      { StatusCode: '503' },
    ],
  };
  const proxy = {
    Type: 'AWS_PROXY',
    IntegrationHttpMethod: 'POST',
    Uri: {
      'Fn::Join': [
        '',
        [
          'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/',
          { 'Fn::GetAtt': ['Function', 'Arn'] },
          '/invocations',
        ],
      ],
    },
  };
  return {
    Events: resource(ROOT, 'events'),
    EventsPost: method({ Ref: 'Events' }, 'POST', PUT, put),
    Named: resource({ Ref: 'Events' }, '{name}'),
    NamedGet: method({ Ref: 'Named' }, 'GET', mock('{"named":"$input.params(\'name\')"}'), OK),
    Rest: resource({ Ref: 'Events' }, '{rest+}'),
    RestAny: method(
      { Ref: 'Rest' },
      'ANY',
      mock('{"rest":"$input.params(\'rest\')","method":"$context.httpMethod"}'),
      OK,
    ),
    Fixed: resource({ Ref: 'Events' }, 'fixed'),
    FixedGet: method({ Ref: 'Fixed' }, 'GET', mock('{"fixed":true,"colour":"$stageVariables.colour"}'), OK),
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: { FunctionName: 'behind', Handler: 'index.handler', Role: 'r', Code: { S3Bucket: 'a', S3Key: 'b' } },
    },
    Proxy: resource(ROOT, 'function'),
    ProxyItem: resource({ Ref: 'Proxy' }, '{id}'),
    ProxyAny: method({ Ref: 'ProxyItem' }, 'ANY', proxy),
    Impatient: resource(ROOT, 'impatient'),
    ImpatientGet: method({ Ref: 'Impatient' }, 'GET', { ...proxy, TimeoutInMillis: 50 }),
    Signed: resource(ROOT, 'signed'),
    SignedPost: method({ Ref: 'Signed' }, 'POST', mock('{"user":"$context.identity.user"}'), {
      ...OK,
      AuthorizationType: 'AWS_IAM',
    }),
    SignedBelow: resource(ROOT, 'signed-below'),
    SignedItem: resource({ Ref: 'SignedBelow' }, '{name}'),
    SignedItemPost: method({ Ref: 'SignedItem' }, 'POST', mock('{"name":"$input.params(\'name\')"}'), {
      ...OK,
      AuthorizationType: 'AWS_IAM',
    }),
    Keyed: resource(ROOT, 'keyed'),
    KeyedGet: method({ Ref: 'Keyed' }, 'GET', mock('{"key":"$context.identity.apiKeyId"}'), {
      ...OK,
      ApiKeyRequired: true,
    }),
    Slow: resource(ROOT, 'slow'),
    SlowGet: method({ Ref: 'Slow' }, 'GET', mock('{}'), OK),
    Asking: resource(ROOT, 'asking'),
    AskingGet: method({ Ref: 'Asking' }, 'GET', mock('{}'), {
      ...OK,
      RequestValidatorId: { Ref: 'Validator' },
      RequestParameters: { 'method.request.querystring.from': true, 'method.request.header.X-Who': true },
    }),
    Echo: resource(ROOT, 'echo'),
    EchoPost: method({ Ref: 'Echo' }, 'POST', ECHO, {
      MethodResponses: [{ StatusCode: '200', ResponseParameters: { 'method.response.header.X-Seen': true } }],
    }),
    Broken: resource(ROOT, 'broken'),
    BrokenGet: method({ Ref: 'Broken' }, 'GET', mock('$input.body.explode()'), OK),
  };
}

function keys(): Record<string, object> {
  return {
    Key: { Type: 'AWS::ApiGateway::ApiKey', Properties: { Enabled: true, Name: 'the-key', Value: KEY_VALUE } },
    Plan: {
      Type: 'AWS::ApiGateway::UsagePlan',
      Properties: {
        ApiStages: [{ ApiId: API, Stage: { Ref: 'Stage' }, Throttle: {} }],
        Throttle: { RateLimit: 1, BurstLimit: 2 },
        Quota: { Limit: 3, Period: 'DAY' },
      },
    },
    PlanKey: {
      Type: 'AWS::ApiGateway::UsagePlanKey',
      Properties: { KeyId: { Ref: 'Key' }, KeyType: 'API_KEY', UsagePlanId: { Ref: 'Plan' } },
    },
  };
}

/** Resources are given in an order of their own: the runtime finds out which comes first. */
export function apiTemplate(): object {
  const stream = { Type: 'AWS::Kinesis::Stream', Properties: { Name: 'events', ShardCount: 1 } };
  const firewall = {
    Acl: {
      Type: 'AWS::WAFv2::WebACL',
      Properties: { Name: 'acl', Scope: 'REGIONAL', DefaultAction: { Allow: {} }, VisibilityConfig: {} },
    },
    AclOfStage: {
      Type: 'AWS::WAFv2::WebACLAssociation',
      Properties: { ResourceArn: 'arn', WebACLArn: { 'Fn::GetAtt': ['Acl', 'Arn'] } },
    },
  };
  return { Resources: { ...methods(), ...keys(), ...api(), ...firewall, Stream: stream } };
}
