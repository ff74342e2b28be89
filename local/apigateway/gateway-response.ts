/**
 * Answers that API Gateway gives itself: their statuses, messages, and what a template makes of them.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
import type { ServiceResponse } from '../service.ts';
import { contextText, type MappingSources, mapParameter } from './parameter-mapping.ts';
import type { GatewayResponse } from './rest-api.ts';
import type { VtlMap } from './vtl/value.ts';

interface Wording {
  readonly status: number;
  readonly message: string;
  /** Of the header `x-amzn-ErrorType`. */
  readonly errorType: string;
}

const INTERNAL = { message: 'Internal server error', errorType: 'InternalServerErrorException' };

const WORDINGS = {
  ACCESS_DENIED: { status: 403, message: 'Forbidden', errorType: 'AccessDeniedException' },
  API_CONFIGURATION_ERROR: { status: 500, ...INTERNAL },
  BAD_REQUEST_BODY: { status: 400, message: 'Invalid request body', errorType: 'BadRequestException' },
  BAD_REQUEST_PARAMETERS: { status: 400, message: 'Invalid request parameters', errorType: 'BadRequestException' },
  /** What no other type is for: a function that failed. */
  DEFAULT_5XX: { status: 500, ...INTERNAL },
  INTEGRATION_FAILURE: { status: 504, ...INTERNAL },
  INTEGRATION_TIMEOUT: { status: 504, message: 'Endpoint request timed out', errorType: INTERNAL.errorType },
  INVALID_API_KEY: { status: 403, message: 'Forbidden', errorType: 'ForbiddenException' },
  INVALID_SIGNATURE: { status: 403, message: 'Forbidden', errorType: 'InvalidSignatureException' },
  MISSING_AUTHENTICATION_TOKEN: {
    status: 403,
    message: 'Missing Authentication Token',
    errorType: 'MissingAuthenticationTokenException',
  },
  QUOTA_EXCEEDED: { status: 429, message: 'Limit Exceeded', errorType: 'LimitExceededException' },
  REQUEST_TOO_LARGE: { status: 413, message: 'Request Too Long', errorType: 'RequestTooLongException' },
  THROTTLED: { status: 429, message: 'Too Many Requests', errorType: 'TooManyRequestsException' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'Unsupported Media Type', errorType: 'BadRequestException' },
} as const satisfies Readonly<Record<string, Wording>>;

export type GatewayErrorType = keyof typeof WORDINGS;

/** Types that a template may give an answer for, and that this gateway never gives by itself. */
const OTHER_TYPES = [
  'AUTHORIZER_CONFIGURATION_ERROR',
  'AUTHORIZER_FAILURE',
  'DEFAULT_4XX',
  'EXPIRED_TOKEN',
  'RESOURCE_NOT_FOUND',
  'UNAUTHORIZED',
  'WAF_FILTERED',
];

export function isResponseType(name: string): boolean {
  return Object.hasOwn(WORDINGS, name) || OTHER_TYPES.includes(name);
}

export interface GatewayErrorDetails {
  /** Default: the type's. */
  readonly message?: string;
  readonly status?: number;
  readonly validationErrorString?: string;
  /** For whoever runs the gateway; reaches no client. */
  readonly reason?: string;
}

/** A request that API Gateway answers itself. */
export class GatewayError extends Error {
  readonly type: GatewayErrorType;
  readonly details: GatewayErrorDetails;
  constructor(type: GatewayErrorType, details: GatewayErrorDetails = {}) {
    super(details.message ?? WORDINGS[type].message);
    this.type = type;
    this.details = details;
  }

  get status(): number {
    return this.details.status ?? WORDINGS[this.type].status;
  }
}

const DEFAULT_TEMPLATES = new Map([['application/json', '{"message":$context.error.messageString}']]);

/**
 * @param responses those of the API, by type
 * @param sources its context gets `error`
 */
export function gatewayResponse(
  error: GatewayError,
  responses: ReadonlyMap<string, GatewayResponse>,
  sources: MappingSources,
): ServiceResponse {
  const given = givenFor(error, responses);
  const templates = given?.templates.size ? given.templates : DEFAULT_TEMPLATES;
  sources.context.error = errorContext(error);
  const accepted = sources.request.header.accept?.split(',').map((type) => type.split(';')[0]?.trim() ?? '') ?? [];
  const contentType = accepted.find((type) => templates.has(type)) ?? firstOf(templates);
  const headers: Record<string, string> = {
    'content-type': contentType,
    'x-amzn-errortype': WORDINGS[error.type].errorType,
  };
  for (const [name, expression] of given?.parameters ?? []) {
    const value = mapParameter(expression, sources);
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  const body = substitute(templates.get(contentType) ?? '', sources.context, sources.stageVariables);
  return { status: given?.status ?? error.status, headers, body };
}

function givenFor(
  { type, status }: GatewayError,
  responses: ReadonlyMap<string, GatewayResponse>,
): GatewayResponse | undefined {
  // Cannot be customized: apigateway/latest/developerguide/api-gateway-known-issues.html
  if (type === 'REQUEST_TOO_LARGE') return undefined;
  return responses.get(type) ?? responses.get(status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX');
}

function firstOf(templates: ReadonlyMap<string, string>): string {
  return templates.has('application/json') ? 'application/json' : (templates.keys().next().value ?? 'application/json');
}

/** `validationErrorString` is escaped, so that a template may put it between quotes. */
function errorContext({ message, type, details }: GatewayError): VtlMap {
  return {
    message,
    messageString: JSON.stringify(message),
    responseType: type,
    validationErrorString: JSON.stringify(details.validationErrorString ?? '').slice(1, -1),
  };
}

const VARIABLE = /\$(?:(context|stageVariables)\.([\w.]+)|\{(context|stageVariables)\.([\w.]+)\})/g;

/** What has no value is left out. @param absent text for it */
export function substitute(
  template: string,
  context: VtlMap,
  stageVariables: Readonly<Record<string, string>>,
  absent = '',
): string {
  return template.replace(
    VARIABLE,
    (_match, plain?: string, plainPath?: string, braced?: string, bracedPath?: string) => {
      const path = (plainPath ?? bracedPath ?? '').replace(/\.+$/, '');
      const dots = plainPath?.slice(path.length) ?? '';
      const isContext = (plain ?? braced) === 'context';
      const value = isContext
        ? contextText(context, path)
        : Object.hasOwn(stageVariables, path)
          ? stageVariables[path]
          : undefined;
      return (value ?? absent) + dots;
    },
  );
}
