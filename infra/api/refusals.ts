/**
 * What API Gateway answers by itself, without asking an integration: JSON with the reason. These templates are no VTL: only
 * names are replaced, and a name that ends in `String` stands for text that can stand between quotes or has its own:
 * apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
 * Of a body over 10 MB API Gateway has words of its own, which cannot be changed:
 * apigateway/latest/developerguide/api-gateway-known-issues.html
 */
import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';

interface Refusal {
  readonly type: ResponseType;
  readonly status: number;
  /** JSON text. */
  readonly reason: string;
}

const said = '$context.error.messageString';
const quoted = (text: string) => JSON.stringify(text);

const REFUSALS: readonly Refusal[] = [
  { type: ResponseType.BAD_REQUEST_BODY, status: 400, reason: '"$context.error.validationErrorString"' },
  { type: ResponseType.BAD_REQUEST_PARAMETERS, status: 400, reason: said },
  { type: ResponseType.ACCESS_DENIED, status: 403, reason: quoted('The caller may not call this method.') },
  { type: ResponseType.INVALID_SIGNATURE, status: 403, reason: said },
  { type: ResponseType.EXPIRED_TOKEN, status: 403, reason: said },
  { type: ResponseType.INVALID_API_KEY, status: 403, reason: quoted('The header x-api-key has no valid API key.') },
  {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    status: 403,
    reason: quoted('The request is not signed, or there is no such path and method.'),
  },
  { type: ResponseType.WAF_FILTERED, status: 403, reason: quoted('The web ACL does not let the request through.') },
  { type: ResponseType.RESOURCE_NOT_FOUND, status: 404, reason: said },
  {
    type: ResponseType.UNSUPPORTED_MEDIA_TYPE,
    status: 415,
    reason: quoted('The content type is not accepted; application/json is.'),
  },
  { type: ResponseType.THROTTLED, status: 429, reason: quoted('Too many requests; try again later.') },
  { type: ResponseType.QUOTA_EXCEEDED, status: 429, reason: quoted('The quota of the API key is used up.') },
  {
    type: ResponseType.INTEGRATION_FAILURE,
    status: 503,
    reason: quoted('What the API stands before did not answer; try again later.'),
  },
  {
    type: ResponseType.INTEGRATION_TIMEOUT,
    status: 503,
    reason: quoted('What the API stands before did not answer in time; it may have done what was asked.'),
  },
  { type: ResponseType.DEFAULT_4XX, status: 0, reason: said },
  { type: ResponseType.DEFAULT_5XX, status: 0, reason: said },
];

export function addRefusals(restApi: RestApi): void {
  for (const { type, status, reason } of REFUSALS) {
    restApi.addGatewayResponse(type.responseType, {
      type,
      // The defaults stand for several types, each of which keeps its own status.
      ...(status === 0 ? {} : { statusCode: String(status) }),
      templates: {
        'application/json': `{"error":"$context.error.responseType","reason":${reason},"requestId":"$context.requestId"}`,
      },
    });
  }
}
