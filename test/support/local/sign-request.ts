/** Signature Version 4 of a request in its headers: IAM/latest/UserGuide/create-signed-request.html */
import { createHash, createHmac } from 'node:crypto';

export interface RequestToSign {
  readonly method: string;
  /** Without a query, and with no character that would have to be encoded. */
  readonly url: string;
  readonly body: string;
  readonly secretAccessKey: string;
}

const SCOPE = ['us-east-1', 'execute-api', 'aws4_request'] as const;

/** The headers that the request has to have beside its own. */
export function signRequest({ method, url, body, secretAccessKey }: RequestToSign): Record<string, string> {
  const { host, pathname } = new URL(url);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const signed = ['host', 'x-amz-date'];
  const canonical = [method, pathname, '', `host:${host}`, `x-amz-date:${time}`, '', signed.join(';'), sha256(body)];
  const text = ['AWS4-HMAC-SHA256', time, [day, ...SCOPE].join('/'), sha256(canonical.join('\n'))].join('\n');
  const key = [day, ...SCOPE].reduce<Buffer | string>((from, part) => hmac(from, part), `AWS4${secretAccessKey}`);
  const signature = hmac(key, text).toString('hex');
  return {
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=anyone/${[day, ...SCOPE].join('/')}, SignedHeaders=${signed.join(';')}, Signature=${signature}`,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
