import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignatureV4 } from '@smithy/signature-v4';
import { API_NAME, apiTemplate, STAGE } from '../../test/support/local/api-template.ts';
import { type Runtime, startRuntime } from '../runtime.ts';

let folder: string;
let runtime: Runtime;
let api: URL;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'apigateway-iam-'));
  runtime = await startRuntime({
    synthesize: () => [{ stackName: 'Stack', template: apiTemplate() }],
    assetFolder: () => folder,
    stateFolder: path.join(folder, 'state'),
    port: 0,
    warn: () => undefined,
    enforceIam: true,
  });
  api = new URL(runtime.services.apigateway.urlOf(API_NAME, STAGE));
});

afterAll(async () => {
  await runtime.stop();
  rmSync(folder, { recursive: true });
});

/** SHA-256 as the signer of the SDK wants it. */
class Sha256 {
  readonly #hash;
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key));
  }
  update(content: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(content));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOf(content: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof content === 'string') return Buffer.from(content);
  if (content instanceof ArrayBuffer) return Buffer.from(content);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

interface Call {
  readonly query?: Readonly<Record<string, string>>;
  readonly secret?: string;
  readonly service?: string;
  readonly below?: string;
}

async function signed({ query = {}, secret = 'local', service = 'execute-api', below = '/signed' }: Call = {}) {
  const credentials = { accessKeyId: 'some-key', secretAccessKey: secret };
  const signer = new SignatureV4({ service, region: 'us-east-1', credentials, sha256: Sha256 });
  return signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname: api.hostname,
    port: Number(api.port),
    path: api.pathname + below,
    query: { ...query },
    headers: { host: api.host, 'content-type': 'application/json', 'x-note': 'a   b' },
    body: '{"a":"ü"}',
  });
}

/** By hand, because fetch does not send the path as it is given. */
function send(
  given: { readonly path: string; readonly query?: object; readonly headers: Record<string, string> },
  body = '{"a":"ü"}',
): Promise<readonly [number | undefined, unknown]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly [number | undefined, unknown]>();
  const query = new URLSearchParams(Object.entries(given.query ?? {})).toString().replaceAll('+', '%20');
  const target = query === '' ? given.path : `${given.path}?${query}`;
  const outgoing = httpRequest({
    host: api.hostname,
    port: api.port,
    path: target,
    method: 'POST',
    headers: given.headers,
  });
  outgoing.on('error', reject).on('response', (incoming) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    incoming.on('end', () => resolve([incoming.statusCode, JSON.parse(text)]));
  });
  outgoing.end(body);
  return promise;
}

describe('a method with AWS_IAM, where IAM is enforced', () => {
  it.each<[string, Call]>([
    ['as it is', {}],
    ['with a query', { query: { b: 'x y', a: '1/ü', 'c d': '' } }],
  ])('lets in what is signed with the local secret, %s', async (_claim, call) => {
    const given = await signed(call);

    expect(await send(given)).toEqual([200, { user: 'some-key' }]);
  });

  it('lets in a path with what has to be encoded', async () => {
    const given = await signed({ below: '/signed-below/a%20b%2Fc' });

    expect(await send(given)).toEqual([200, { name: 'a b/c' }]);
  });

  it('refuses an unsigned request', async () => {
    const headers = { host: api.host, 'content-type': 'application/json' };

    expect(await send({ path: `${api.pathname}/signed`, headers })).toEqual([
      403,
      { message: 'Missing Authentication Token' },
    ]);
  });

  it.each<[string, Call]>([
    ['with another secret', { secret: 'guess' }],
    ['for another service', { service: 'kinesis' }],
  ])('refuses what is signed %s', async (_claim, call) => {
    const given = await signed(call);

    expect((await send(given))[0]).toBe(403);
  });

  it('refuses another body, header or query than was signed', async () => {
    const given = await signed({ query: { a: '1' } });

    expect((await send(given, '{"a":"x"}'))[0]).toBe(403);
    expect((await send({ ...given, headers: { ...given.headers, 'x-note': 'c' } }))[0]).toBe(403);
    expect((await send({ ...given, query: { a: '2' } }))[0]).toBe(403);
    expect((await send(given))[0]).toBe(200);
  });

  it.each([
    'AWS4-HMAC-SHA256',
    'AWS4-HMAC-SHA256 Credential=k, SignedHeaders=host, Signature=00',
    'AWS4-HMAC-SHA256 Credential=k/20261125/us-east-1/execute-api/aws4_request, Signature=00',
    'AWS4-HMAC-SHA256 Credential=k/20261125/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=00',
    'Bearer token',
    '',
  ])('refuses the malformed signature %j', async (authorization) => {
    const headers = { host: api.host, 'content-type': 'application/json', authorization };

    const [status, body] = await send({ path: `${api.pathname}/signed`, headers });

    expect([status, body]).toEqual([403, { message: expect.any(String) }]);
  });

  it('asks no signature of methods without authorization', async () => {
    const response = await fetch(`${api.href}/events/fixed`);

    expect(response.status).toBe(200);
  });
});
