import { describe, expect, it } from '@jest/globals';
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Key } from 'aws-cdk-lib/aws-kms';
import { datasets } from '../schemas/index.ts';
import { synthesize } from '../test/support/infra/synthesize.ts';
import { Api } from './api.ts';
import { type Settings, settingsOf } from './settings.ts';

const prod = synthesize({ environment: 'prod' }).pipeline;
const local = synthesize({ environment: 'local' }).pipeline;

function apiWith(api: Partial<Settings['api']>): Template {
  const stack = new Stack(new App(), 'Test');
  const settings = settingsOf('prod');
  new Api(stack, 'Api', {
    settings: { ...settings, api: { ...settings.api, ...api } },
    stream: new Stream(stack, 'Stream', { removalPolicy: RemovalPolicy.DESTROY }),
    streamKey: new Key(stack, 'Key'),
    datasets: [...datasets.values()],
  });
  return Template.fromStack(stack);
}

/** `<path> <HTTP method>` to the properties of the method. */
function methodsOf(template: Template): Map<string, Readonly<Record<string, unknown>>> {
  const resources = template.findResources('AWS::ApiGateway::Resource');
  const pathOf = (id: string): string => {
    const { ParentId, PathPart } = resources[id]?.Properties ?? {};
    return PathPart === undefined ? '' : `${ParentId.Ref === undefined ? '' : pathOf(ParentId.Ref)}/${PathPart}`;
  };
  return new Map(
    Object.values(template.findResources('AWS::ApiGateway::Method')).map(({ Properties }) => [
      `${pathOf(Properties.ResourceId.Ref)} ${Properties.HttpMethod}`,
      Properties,
    ]),
  );
}

const EVENT_ROUTES = [...datasets.keys()].flatMap((name) => [`/events/${name} POST`, `/events/${name}/batch POST`]);

/** One function answers them all, and says what there is. */
const PIPELINE_ROUTES = ['/pipelines ANY', '/pipelines/{proxy+} ANY'];

describe('the API', () => {
  it('has two routes a dataset, one answer for all others, and those of runs', () => {
    expect([...methodsOf(prod).keys()].sort()).toEqual(
      [...EVENT_ROUTES, '/events/{dataset} ANY', '/events/{dataset}/batch ANY', ...PIPELINE_ROUTES].sort(),
    );
  });

  it('is regional, with the one stage prod, throttled', () => {
    prod.hasResourceProperties('AWS::ApiGateway::RestApi', {
      Name: 'data-pipeline-api',
      EndpointConfiguration: { Types: ['REGIONAL'] },
    });
    prod.resourceCountIs('AWS::ApiGateway::Stage', 1);
    prod.hasResourceProperties('AWS::ApiGateway::Stage', {
      StageName: 'prod',
      TracingEnabled: true,
      MethodSettings: [
        Match.objectLike({
          HttpMethod: '*',
          ResourcePath: '/*',
          ThrottlingRateLimit: 1_000,
          ThrottlingBurstLimit: 2_000,
          DataTraceEnabled: false,
        }),
      ],
    });
  });

  it('takes signed requests only, unless the settings say otherwise, in the local template as well', () => {
    for (const template of [prod, local]) {
      template.allResourcesProperties('AWS::ApiGateway::Method', {
        AuthorizationType: 'AWS_IAM',
        ApiKeyRequired: Match.absent(),
      });
      template.resourceCountIs('AWS::ApiGateway::UsagePlan', 0);
    }
  });

  it('takes API keys of a throttled usage plan where the settings say so', () => {
    const template = apiWith({ authorization: 'api-key' });

    template.allResourcesProperties('AWS::ApiGateway::Method', { AuthorizationType: 'NONE', ApiKeyRequired: true });
    template.hasResourceProperties('AWS::ApiGateway::UsagePlan', {
      Throttle: { RateLimit: 1_000, BurstLimit: 2_000 },
      ApiStages: [Match.objectLike({ Stage: { Ref: Match.stringLikeRegexp('Stageprod') } })],
    });
    template.resourceCountIs('AWS::ApiGateway::UsagePlanKey', 1);
    template.hasResourceProperties('AWS::ApiGateway::ApiKey', { Name: 'data-pipeline-api', Enabled: true });
  });

  it('has a web ACL that looks into no body, where the settings say so', () => {
    const template = apiWith({ firewall: true });

    prod.resourceCountIs('AWS::WAFv2::WebACL', 0);
    template.hasResourceProperties('AWS::WAFv2::WebACL', {
      Scope: 'REGIONAL',
      Rules: [
        Match.objectLike({
          Statement: {
            ManagedRuleGroupStatement: { VendorName: 'AWS', Name: 'AWSManagedRulesAmazonIpReputationList' },
          },
        }),
        Match.objectLike({ Statement: { RateBasedStatement: Match.objectLike({ AggregateKeyType: 'IP' }) } }),
      ],
    });
    template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
  });

  it('logs what came of each request as JSON, and nothing of a body nor of a message that may quote one', () => {
    for (const { Properties } of Object.values(prod.findResources('AWS::ApiGateway::Stage'))) {
      const fields: unknown = JSON.parse(Properties.AccessLogSetting.Format);

      expect(fields).toMatchObject({
        requestId: '$context.requestId',
        extendedRequestId: '$context.extendedRequestId',
        status: '$context.status',
      });
      expect(JSON.stringify(fields)).not.toMatch(
        /error\.(message|validation)|requestBody|responseBody|\$context\.path\b/,
      );
    }
  });

  it('tells where it is', () => {
    const { ApiUrl } = prod.findOutputs('ApiUrl');

    expect(JSON.stringify(ApiUrl)).toMatch(/https:\/\/.*execute-api.*\/prod"/);
  });
});

describe('what API Gateway refuses by itself', () => {
  it.each([
    ['BAD_REQUEST_BODY', '400'],
    ['BAD_REQUEST_PARAMETERS', '400'],
    ['ACCESS_DENIED', '403'],
    ['INVALID_API_KEY', '403'],
    ['MISSING_AUTHENTICATION_TOKEN', '403'],
    ['RESOURCE_NOT_FOUND', '404'],
    ['UNSUPPORTED_MEDIA_TYPE', '415'],
    ['THROTTLED', '429'],
    ['QUOTA_EXCEEDED', '429'],
    ['INTEGRATION_TIMEOUT', '503'],
  ])('%s is %s, with the reason in JSON', (type, status) => {
    const [found] = Object.values(
      prod.findResources('AWS::ApiGateway::GatewayResponse', { Properties: { ResponseType: type } }),
    );
    const template: string = found?.Properties.ResponseTemplates['application/json'];

    expect(found?.Properties.StatusCode).toBe(status);
    // As API Gateway fills it in: a `String` that stands alone brings its own quotes.
    const answer: unknown = JSON.parse(template.replace(/(?<!")\$context\.error\.messageString/, '"said"'));
    expect(answer).toEqual({
      error: '$context.error.responseType',
      reason: expect.stringMatching(/./),
      requestId: '$context.requestId',
    });
  });

  it('says of a bad body what is wrong with it', () => {
    prod.hasResourceProperties('AWS::ApiGateway::GatewayResponse', {
      ResponseType: 'BAD_REQUEST_BODY',
      ResponseTemplates: {
        'application/json': Match.stringLikeRegexp('"reason":"\\$context.error.validationErrorString"'),
      },
    });
  });
});

describe.each(EVENT_ROUTES)('%s', (route) => {
  const method = methodsOf(prod).get(route);

  it('puts one record itself, as a role of its own, and takes JSON only', () => {
    expect(method).toMatchObject({
      Integration: {
        Type: 'AWS',
        IntegrationHttpMethod: 'POST',
        PassthroughBehavior: 'NEVER',
        Credentials: { 'Fn::GetAtt': [expect.stringMatching(/^ApiEventsRole/), 'Arn'] },
        RequestParameters: { 'integration.request.header.Content-Type': "'application/x-amz-json-1.1'" },
        RequestTemplates: { 'application/json': expect.stringContaining('#set($stream = "data-pipeline-stream")') },
      },
    });
    expect(JSON.stringify(method?.Integration)).toContain(':kinesis:action/PutRecord');
  });

  it('checks the body by a model before', () => {
    expect(method).toMatchObject({
      RequestModels: { 'application/json': { Ref: expect.stringMatching(/^ApiEventsModel/) } },
      RequestValidatorId: { Ref: expect.stringMatching(/Body/) },
    });
    prod.hasResourceProperties('AWS::ApiGateway::RequestValidator', { ValidateRequestBody: true });
  });

  it('never takes an unknown answer of Kinesis for a success', () => {
    expect(method).toMatchObject({
      Integration: {
        IntegrationResponses: [
          { SelectionPattern: '2\\d{2}', StatusCode: '200' },
          { SelectionPattern: '4\\d{2}', StatusCode: '502' },
          expect.not.objectContaining({ SelectionPattern: expect.anything() }),
        ],
      },
    });
  });
});

describe('a route of no dataset', () => {
  it('answers 404 with the list of datasets, by itself', () => {
    for (const route of ['/events/{dataset} ANY', '/events/{dataset}/batch ANY']) {
      expect(methodsOf(prod).get(route)).toMatchObject({
        Integration: {
          Type: 'MOCK',
          IntegrationResponses: [
            {
              StatusCode: '404',
              ResponseTemplates: {
                'application/json': expect.stringContaining(JSON.stringify([...datasets.keys()])),
              },
            },
          ],
        },
      });
    }
  });
});

describe('a deployment', () => {
  it('is another when a schema changes: it is a snapshot', () => {
    const [flights] = [...datasets.values()].filter(({ name }) => name === 'flights');
    if (!flights) throw new Error('no dataset flights');
    const deployments = (unknownFields: 'report' | 'ignore') =>
      Object.keys(
        synthesize({
          environment: 'prod',
          defaultDataset: 'flights',
          datasets: [{ ...flights, definition: { ...flights.definition, unknownFields } }],
        }).pipeline.findResources('AWS::ApiGateway::Deployment'),
      );

    expect(deployments('report')).not.toEqual(deployments('ignore'));
  });
});
