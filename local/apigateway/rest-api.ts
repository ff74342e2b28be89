/** A REST API as the template declares it, in the form that requests are served from. */
import type { ValidateBody } from './validate-body.ts';
import type { Template } from './vtl/compile-template.ts';

export interface RestApi {
  readonly id: string;
  readonly name: string;
  readonly rootResourceId: string;
  /** By id. */
  readonly resources: Map<string, ApiResource>;
  /** By name; every API has `Empty` and `Error`. */
  readonly models: Map<string, Model>;
  /** By id. */
  readonly validators: Map<string, Validator>;
  /** By type, such as `BAD_REQUEST_BODY`. */
  readonly gatewayResponses: Map<string, GatewayResponse>;
  /** By name. */
  readonly stages: Map<string, Stage>;
}

export interface ApiResource {
  readonly id: string;
  /** As in the template: `events`, `{id}` or `{proxy+}`; empty for the root. */
  readonly pathPart: string;
  /** `/events/{id}` */
  readonly path: string;
  readonly children: ApiResource[];
  /** By HTTP method, or `ANY`. */
  readonly methods: Map<string, Method>;
}

export interface Model {
  readonly contentType: string;
  readonly validate: ValidateBody;
}

export interface Validator {
  readonly body: boolean;
  readonly parameters: boolean;
}

export interface Method {
  readonly httpMethod: string;
  readonly authorizationType: 'NONE' | 'AWS_IAM';
  readonly apiKeyRequired: boolean;
  readonly validator: Validator;
  /** `method.request.header.X`, and whether a request has to have it. */
  readonly requestParameters: ReadonlyMap<string, boolean>;
  /** By content type, or `$default`. */
  readonly requestModels: ReadonlyMap<string, Model>;
  /** Declared responses by status: names of the headers that each may set. */
  readonly methodResponses: ReadonlyMap<number, ReadonlySet<string>>;
  readonly integration: Integration;
}

export interface IntegrationResponse {
  readonly status: number;
  /** Over the whole status of the backend; undefined: the default response. */
  readonly selectionPattern: RegExp | undefined;
  readonly templates: ReadonlyMap<string, Template>;
  /** Header name to mapping expression. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface Integration {
  readonly target:
    | { readonly type: 'MOCK' }
    /** An operation of a service, such as PutRecord of kinesis. */
    | { readonly type: 'AWS'; readonly service: string; readonly action: string }
    | { readonly type: 'AWS_PROXY'; readonly functionArn: string };
  readonly timeoutMs: number;
  readonly passthroughBehavior: 'WHEN_NO_MATCH' | 'WHEN_NO_TEMPLATES' | 'NEVER';
  readonly templates: ReadonlyMap<string, Template>;
  /** Header name of the integration request to mapping expression. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly responses: readonly IntegrationResponse[];
}

export interface GatewayResponse {
  readonly status: number | undefined;
  /** By content type; simple substitution of `$context`, no VTL. */
  readonly templates: ReadonlyMap<string, string>;
  /** Header name to mapping expression. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface Throttle {
  /** Requests a second; undefined: no limit of this kind. */
  readonly rateLimit: number | undefined;
  readonly burstLimit: number | undefined;
}

export interface Stage {
  readonly apiId: string;
  readonly name: string;
  readonly deploymentId: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly accessLog: { readonly group: string; readonly format: string } | undefined;
  /** By `<resource path> <method>`, such as `/events POST` and `/* *`. */
  readonly throttles: ReadonlyMap<string, Throttle>;
}

export interface UsagePlan {
  readonly id: string;
  readonly throttle: Throttle | undefined;
  readonly quota: { readonly limit: number; readonly period: 'DAY' | 'WEEK' | 'MONTH' } | undefined;
  readonly stages: readonly {
    readonly apiId: string;
    readonly stage: string;
    /** By `<resource path> <method>`. */
    readonly throttles: ReadonlyMap<string, Throttle>;
  }[];
  /** Ids of API keys. */
  readonly keys: Set<string>;
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly isEnabled: boolean;
}
