/**
 * The routes that put events on the stream, without a function between: `POST /events/<dataset>` and
 * `POST /events/<dataset>/batch` for each dataset, and an answer that lists the datasets for any other. A body is checked by
 * its model, wrapped by the template beside this file, and put by PutRecord.
 */
import {
  AwsIntegration,
  CfnModel,
  type IntegrationResponse,
  type IResource,
  MockIntegration,
  Model,
  PassthroughBehavior,
  type RequestValidator,
  type RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Dataset } from '../../schemas/dataset.ts';
import { batchModel, eventModel, type RequestModel } from '../../schemas/request-model.ts';
import { NAMES } from '../names.ts';
import {
  putAnswerTemplate,
  putEventTemplate,
  putFailedTemplate,
  putRefusedTemplate,
  unknownDatasetTemplate,
} from './put-event-template.ts';

export interface EventRoutesProps {
  readonly restApi: RestApi;
  readonly stream: IStream;
  readonly streamKey: IKey;
  readonly datasets: readonly Dataset[];
}

/** CloudEvents `source` of events that came by the API, before the route's path. */
const SOURCE = '/api/events';
const JSON_TYPE = 'application/json';
/** Statuses that the routes answer with; the templates choose among them. */
const STATUSES = ['200', '400', '413', '429', '502', '503'];

export class EventRoutes extends Construct {
  readonly role: Role;
  private readonly restApi: RestApi;
  private readonly validator: RequestValidator;

  constructor(scope: Construct, id: string, { restApi, stream, streamKey, datasets }: EventRoutesProps) {
    super(scope, id);
    this.restApi = restApi;
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      description: `Of the routes of ${NAMES.api} that put events on the stream`,
    });
    this.role.addToPolicy(
      new PolicyStatement({ sid: 'PutRecord', actions: ['kinesis:PutRecord'], resources: [stream.streamArn] }),
    );
    this.role.addToPolicy(
      // Of producers: streams/latest/dev/permissions-user-key-KMS.html
      new PolicyStatement({ sid: 'EncryptRecord', actions: ['kms:GenerateDataKey'], resources: [streamKey.keyArn] }),
    );
    this.validator = restApi.addRequestValidator('Body', { validateRequestBody: true });

    const events = restApi.root.addResource('events');
    for (const dataset of datasets) {
      const one = events.addResource(dataset.name);
      this.addRoute(one, dataset, eventModel(dataset), false);
      this.addRoute(one.addResource('batch'), dataset, batchModel(dataset), true);
    }
    const other = events.addResource('{dataset}');
    for (const resource of [other, other.addResource('batch')]) addUnknown(resource, datasets);
  }

  private addRoute(resource: IResource, { name, definition }: Dataset, schema: RequestModel, isBatch: boolean): void {
    const source = `${SOURCE}/${name}${isBatch ? '/batch' : ''}`;
    // A batch has many keys, and is one record.
    const keyField = isBatch ? undefined : definition.keyField;
    const integration = new AwsIntegration({
      service: 'kinesis',
      action: 'PutRecord',
      integrationHttpMethod: 'POST',
      options: {
        credentialsRole: this.role,
        // What no template is for is answered with 415.
        passthroughBehavior: PassthroughBehavior.NEVER,
        requestParameters: { 'integration.request.header.Content-Type': "'application/x-amz-json-1.1'" },
        requestTemplates: { [JSON_TYPE]: putEventTemplate({ dataset: name, source, isBatch, keyField }) },
        integrationResponses: INTEGRATION_RESPONSES,
      },
    });
    resource.addMethod('POST', integration, {
      requestModels: { [JSON_TYPE]: this.model(`${name}${isBatch ? '-batch' : ''}`, schema) },
      requestValidator: this.validator,
      methodResponses: STATUSES.map((statusCode) => ({ statusCode })),
    });
  }

  /** By L1: the L2 gives `properties` of certain names a meaning of its own. */
  private model(id: string, schema: RequestModel) {
    const model = new CfnModel(this, `Model-${id}`, {
      restApiId: this.restApi.restApiId,
      contentType: JSON_TYPE,
      description: `Bodies of ${id}`,
      schema,
    });
    // A deployment is a snapshot: another schema needs another one, made after it.
    this.restApi.latestDeployment?.addToLogicalId(schema);
    this.restApi.latestDeployment?.node.addDependency(model);
    return Model.fromModelName(this, `ModelName-${id}`, model.ref);
  }
}

const INTEGRATION_RESPONSES: IntegrationResponse[] = [
  { statusCode: '200', selectionPattern: '2\\d{2}', responseTemplates: { [JSON_TYPE]: putAnswerTemplate() } },
  { statusCode: '502', selectionPattern: '4\\d{2}', responseTemplates: { [JSON_TYPE]: putRefusedTemplate() } },
  // Without a pattern, it is what any other status is answered with.
  { statusCode: '503', responseTemplates: { [JSON_TYPE]: putFailedTemplate() } },
];

function addUnknown(resource: IResource, datasets: readonly Dataset[]): void {
  const answer = unknownDatasetTemplate(datasets.map(({ name }) => name));
  resource.addMethod(
    'ANY',
    new MockIntegration({
      passthroughBehavior: PassthroughBehavior.NEVER,
      requestTemplates: { [JSON_TYPE]: '{"statusCode":404}' },
      integrationResponses: [{ statusCode: '404', responseTemplates: { [JSON_TYPE]: answer } }],
    }),
    { methodResponses: [{ statusCode: '404' }] },
  );
}
