/**
 * Signature Version 4 of a request, checked with the secret that all local clients have.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { AwsError, type ServiceRequest } from '../service.ts';

/** Secret access key of every local client, whatever its access key id. */
export const LOCAL_SECRET = 'local';

const SHAPE = /^AWS4-HMAC-SHA256\s+(.+)$/;
const SCOPE_SERVICE = 'execute-api';

/**
 * Gives the access key id. How old a signature is does not count: the shared clock can be driven ahead of a client's.
 * @throws AwsError 403: `MissingAuthenticationToken`, `IncompleteSignature`, `InvalidSignature`
 */
export function verifySignature(
  request: Pick<ServiceRequest, 'method' | 'path' | 'query' | 'headers'>,
  body: Buffer,
): string {
  const { authorization } = request.headers;
  if (authorization === undefined) throw refusal('MissingAuthenticationToken', 'Missing Authentication Token');
  const { credential, signedHeaders, signature } = parseAuthorization(authorization);
  const [accessKey = '', date = '', region = '', service = '', ending = ''] = credential;
  if (service !== SCOPE_SERVICE || ending !== 'aws4_request') {
    throw incomplete(`Credential should be scoped to correct service: '${SCOPE_SERVICE}'.`);
  }
  const time = request.headers['x-amz-date'];
  if (time === undefined || !/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(date)) {
    throw incomplete('Authorization header requires existence of an X-Amz-Date header of the day in its scope.');
  }
  const scope = `${date}/${region}/${service}/${ending}`;
  const canonical = canonicalRequest(request, signedHeaders, body);
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, ending].reduce<Buffer>(
    (from, part) => hmac(from, part),
    Buffer.from(`AWS4${LOCAL_SECRET}`),
  );
  if (isSame(hmac(key, toSign).toString('hex'), signature)) return accessKey;
  throw refusal(
    'InvalidSignature',
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  );
}

interface Authorization {
  readonly credential: readonly string[];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

function parseAuthorization(authorization: string): Authorization {
  const [, fields = ''] = SHAPE.exec(authorization) ?? [];
  const parts = new Map(
    fields.split(',').map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, at).trim(), field.slice(at + 1).trim()];
    }),
  );
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((name) => {
    const value = parts.get(name);
    if (value) return value;
    throw incomplete(`Authorization header requires '${name}' parameter.`);
  });
  const scope = (credential ?? '').split('/');
  if (scope.length < 5) throw incomplete('Credential must have 5 elements: key, date, region, service, aws4_request.');
  return {
    credential: [scope.slice(0, -4).join('/'), ...scope.slice(-4)],
    signedHeaders: (signedHeaders ?? '').split(';'),
    signature: signature ?? '',
  };
}

function canonicalRequest(
  { method, path, query, headers }: Pick<ServiceRequest, 'method' | 'path' | 'query' | 'headers'>,
  signedHeaders: readonly string[],
  body: Buffer,
): string {
  const declared = headers['x-amz-content-sha256'];
  const actual = sha256(body);
  if (declared !== undefined && declared !== 'UNSIGNED-PAYLOAD' && declared !== actual) {
    throw refusal('InvalidSignature', 'The x-amz-content-sha256 header is not the hash of the payload.');
  }
  const pairs = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const lines = signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`);
  // All services but S3 sign the path encoded a second time.
  const uri = path.split('/').map(encode).join('/');
  return [method, uri, pairs.join('&'), lines.join(''), signedHeaders.join(';'), declared ?? actual].join('\n');
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function isSame(expected: string, received: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(received)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function incomplete(message: string): AwsError {
  return refusal('IncompleteSignature', message);
}

function refusal(code: string, message: string): AwsError {
  return new AwsError(code, message, 403);
}
