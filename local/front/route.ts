/**
 * Which service a request is for, read from the request alone. Pure.
 *
 * A signed request names its service in the credential scope `<key>/<date>/<region>/<service>/aws4_request`, in the
 * Authorization header or, for a presigned URL, in the query
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Signatures are not checked.
 */

import { isForApi } from '../apigateway/api-address.ts';

/** Where failures are switched on and off. */
export const FAULTS_PATH = '/_local/faults';

export interface Routable {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

export type Route =
  | { readonly to: 'service'; readonly scope: string }
  /** A person looking at the endpoint. */
  | { readonly to: 'welcome' }
  /** The switches of failures. */
  | { readonly to: 'faults' };

/** What precedes the dot in `X-Amz-Target`, by service: for requests that carry no signature. */
const TARGET_PREFIXES: Readonly<Record<string, string>> = {
  AmazonAthena: 'athena',
  AmazonSQS: 'sqs',
  AmazonSSM: 'ssm',
  AWSEvents: 'events',
  AWSGlue: 'glue',
  AWSStepFunctions: 'states',
  DynamoDB_20120810: 'dynamodb',
  Firehose_20150804: 'firehose',
  GraniteServiceVersion20100801: 'monitoring',
  Kinesis_20131202: 'kinesis',
  Logs_20140328: 'logs',
  secretsmanager: 'secretsmanager',
};

/** S3 signs some requests under names of their own. */
const SCOPE_ALIASES: Readonly<Record<string, string>> = { s3express: 's3', 's3-object-lambda': 's3' };

export function routeOf(request: Routable): Route {
  // No bucket has such a name, and no other service such a path.
  if (request.path === FAULTS_PATH) return { to: 'faults' };
  // An API takes whatever its clients sign, or do not sign.
  if (isForApi(request)) return { to: 'service', scope: 'execute-api' };
  const signed = scopeOfCredential(credentialOf(request));
  if (signed !== undefined) return { to: 'service', scope: SCOPE_ALIASES[signed] ?? signed };
  const target = request.headers['x-amz-target']?.split('.')[0];
  if (target !== undefined) return { to: 'service', scope: TARGET_PREFIXES[target] ?? target };
  const looksAround = request.method === 'GET' && request.path === '/' && request.query.size === 0;
  const signedTheOldWay = request.headers.authorization !== undefined;
  return looksAround && !signedTheOldWay ? { to: 'welcome' } : { to: 'service', scope: 's3' };
}

function credentialOf(request: Routable): string | undefined {
  const header = request.headers.authorization;
  if (header?.startsWith('AWS4-')) return /Credential=([^\s,]+)/.exec(header)?.[1];
  return request.query.get('X-Amz-Credential') ?? undefined;
}

/** The service is the last part but one. SigV4a scopes have no region, and access keys may hold slashes. */
function scopeOfCredential(credential: string | undefined): string | undefined {
  const parts = credential?.split('/') ?? [];
  return parts.length >= 4 && parts.at(-1) === 'aws4_request' ? parts.at(-2) : undefined;
}
