/**
 * The REST API: a regional API with one stage. Its method options, throttling, access logs and answers to what API Gateway
 * refuses by itself hold for every route; `EventRoutes` adds those that put events on the stream.
 */
import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  ApiKeySourceType,
  AuthorizationType,
  EndpointType,
  LogGroupLogDestination,
  MethodLoggingLevel,
  type MethodOptions,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Dataset } from '../schemas/dataset.ts';
import { acknowledge } from './acknowledge.ts';
import { ACCESS_LOG_FIELDS } from './api/access-log.ts';
import { EventRoutes } from './api/event-routes.ts';
import { Firewall } from './api/firewall.ts';
import { addRefusals } from './api/refusals.ts';
import { NAMES } from './names.ts';
import type { Settings } from './settings.ts';

export interface ApiProps {
  readonly settings: Settings;
  readonly stream: IStream;
  readonly streamKey: IKey;
  /** Each has its routes. */
  readonly datasets: readonly Dataset[];
}

export class Api extends Construct {
  /** Whoever adds routes adds resources below its root: their methods get `methodOptions` by default. */
  readonly restApi: RestApi;
  /** Who may call. */
  readonly methodOptions: MethodOptions;

  constructor(scope: Construct, id: string, { settings, stream, streamKey, datasets }: ApiProps) {
    super(scope, id);
    const { authorization, throttling, firewall } = settings.api;
    this.methodOptions =
      authorization === 'iam'
        ? { authorizationType: AuthorizationType.IAM }
        : { authorizationType: AuthorizationType.NONE, apiKeyRequired: true };
    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/${NAMES.api}`,
      retention: settings.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.restApi = new RestApi(this, 'RestApi', {
      restApiName: NAMES.api,
      description: 'Events onto the stream, and runs',
      endpointTypes: [EndpointType.REGIONAL],
      apiKeySourceType: ApiKeySourceType.HEADER,
      defaultMethodOptions: this.methodOptions,
      // Access logs need it. It belongs to the account and region, so it stays when the stack goes.
      cloudWatchRole: true,
      deployOptions: {
        stageName: NAMES.apiStage,
        throttlingRateLimit: throttling.requestsPerSecond,
        throttlingBurstLimit: throttling.burst,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
        loggingLevel: MethodLoggingLevel.OFF,
        metricsEnabled: true,
        tracingEnabled: settings.tracing,
      },
    });
    addRefusals(this.restApi);
    new EventRoutes(this, 'Events', { restApi: this.restApi, stream, streamKey, datasets });
    if (authorization === 'api-key') this.addKey(throttling);
    if (firewall) new Firewall(this, 'Firewall', { stage: this.restApi.deploymentStage });
    this.acknowledgeFindings(settings);
  }

  private addKey({ requestsPerSecond, burst }: Settings['api']['throttling']): void {
    const plan = this.restApi.addUsagePlan('UsagePlan', {
      name: NAMES.api,
      throttle: { rateLimit: requestsPerSecond, burstLimit: burst },
    });
    plan.addApiStage({ stage: this.restApi.deploymentStage });
    plan.addApiKey(
      this.restApi.addApiKey('Key', { apiKeyName: NAMES.api, description: `Of the clients of ${NAMES.api}` }),
    );
  }

  private acknowledgeFindings({ api }: Settings): void {
    acknowledge(this.restApi, {
      'AwsSolutions-APIG2':
        'Each method that takes a body has its validator; a default one of the API would say nothing of the others',
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        'The account’s role for access logs: API Gateway refuses one without the permissions of this policy',
      'AwsSolutions-APIG6':
        'Execution logs quote what clients send; the access log says of each request what came of it, without its body',
      'AwsSolutions-COG4': 'Callers are programs: they sign with IAM, or have an API key where the settings say so',
      ...(api.firewall
        ? {}
        : { 'AwsSolutions-APIG3': 'A web ACL costs per month and request: settings.api.firewall adds it' }),
      ...(api.authorization === 'iam'
        ? {}
        : { 'AwsSolutions-APIG4': 'Every method requires an API key, as settings.api.authorization says' }),
    });
  }

  /** `https://…/prod`, without a slash at its end. */
  get url(): string {
    return `https://${this.restApi.restApiId}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}/${NAMES.apiStage}`;
  }
}
