import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readBody } from '../protocol/read-body.ts';
import { AwsError, type LocalService, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { createFront, type Front, type FrontOptions } from './front.ts';

const SCOPE_HEADER = (scope: string): string =>
  `AWS4-HMAC-SHA256 Credential=local/20261123/us-east-1/${scope}/aws4_request, SignedHeaders=host, Signature=00`;

const service = (scope: string, handle: (request: ServiceRequest) => Promise<ServiceResponse>): LocalService => ({
  scope,
  handle,
  resourceKinds: [],
});

/** Answers with what it received. */
const echo = service('echo', async (request) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    method: request.method,
    path: request.path,
    query: [...request.query],
    bytes: (await readBody(request.body, 100_000_000)).length,
  }),
}));

const opened: Front[] = [];
const cleanUp: (() => void)[] = [];

afterEach(async () => {
  for (const task of cleanUp.splice(0)) task();
  for (const front of opened.splice(0)) await front.close();
});

async function listen(services: readonly LocalService[], options: Partial<FrontOptions> = {}): Promise<string> {
  const front = createFront({ services, port: 0, log: () => undefined, ...options });
  opened.push(front);
  return front.listen();
}

const call = (url: string, scope: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { method: 'POST', ...init, headers: { authorization: SCOPE_HEADER(scope), ...init.headers } });

interface Http2Answer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
}

async function callHttp2(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: Buffer,
): Promise<Http2Answer> {
  const stream = session.request({ ':method': 'POST', ':path': '/', ...headers });
  const answered = new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
    stream.once('response', resolve);
    stream.once('error', reject);
  });
  stream.end(body);
  return { headers: await answered, body: (await readBody(stream, 1e9)).toString() };
}

function connectHttp2(url: string): http2.ClientHttp2Session {
  const session = http2.connect(url, { maxSessionMemory: 512 });
  cleanUp.push(() => session.destroy());
  return session;
}

describe('the front', () => {
  it('serves HTTP/1.1 and HTTP/2 on one port', async () => {
    const url = await listen([echo]);

    const first = await call(`${url}/a/b?x=1&y=%20`, 'echo', { body: 'abc' });
    const second = await callHttp2(connectHttp2(url), { authorization: SCOPE_HEADER('echo') }, Buffer.alloc(3));

    expect(await first.json()).toEqual({
      method: 'POST',
      path: '/a/b',
      query: [
        ['x', '1'],
        ['y', ' '],
      ],
      bytes: 3,
    });
    expect(JSON.parse(second.body)).toEqual({ method: 'POST', path: '/', query: [], bytes: 3 });
  });

  it('tells the protocol of a connection whose first bytes come one at a time', async () => {
    const url = new URL(await listen([echo]));
    const socket = net.connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    cleanUp.push(() => socket.destroy());
    const answer: Buffer[] = [];
    socket.on('data', (part: Buffer) => answer.push(part));
    const closed = new Promise((resolve) => socket.once('close', resolve));

    for (const character of 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n') {
      socket.write(character);
      await sleep(1);
    }
    await closed;

    expect(Buffer.concat(answer).toString()).toMatch(/^HTTP\/1\.1 200 OK.*Services: echo/s);
  });

  it('moves 40 MB either way over HTTP/2 with many streams on one connection', async () => {
    const back = service('back', async (request) => ({ status: 200, body: await readBody(request.body, 1e9) }));
    const session = connectHttp2(await listen([back]));
    const body = Buffer.alloc(4_000_000, 'x');

    const answers = await Promise.all(
      Array.from({ length: 10 }, () => callHttp2(session, { authorization: SCOPE_HEADER('back') }, body)),
    );

    expect(answers.map((answer) => answer.body.length)).toEqual(Array(10).fill(4_000_000));
  });

  it('gives each answer a request id under both names that clients read', async () => {
    const answer = await call(await listen([echo]), 'echo');

    const id = answer.headers.get('x-amzn-requestid');

    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get('x-amz-request-id')).toBe(id);
  });

  it('says 100 Continue before the body is sent', async () => {
    const url = await listen([echo]);
    const request = http.request(url, {
      method: 'PUT',
      headers: { authorization: SCOPE_HEADER('echo'), expect: '100-continue', 'content-length': 5 },
    });
    request.flushHeaders();

    await new Promise((resolve) => request.once('continue', resolve));
    request.end('12345');
    const answer = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));

    expect(JSON.parse((await readBody(answer, 1000)).toString())).toMatchObject({ method: 'PUT', bytes: 5 });
  });

  it('names an unknown service and those that exist, in the protocol of the caller', async () => {
    const url = await listen([echo, service('s3', async () => ({ status: 200 }))]);

    const json = await call(url, 'quicksight', { headers: { 'content-type': 'application/x-amz-json-1.1' } });
    const query = await call(url, 'iam', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Action=ListRoles',
    });

    expect(json.status).toBe(400);
    expect(await json.json()).toEqual({
      __type: 'UnknownServiceException',
      message: 'There is no local service "quicksight". Services here: echo, s3.',
    });
    expect(await query.text()).toContain(
      '<Code>UnknownServiceException</Code><Message>There is no local service &quot;iam',
    );
  });

  it('answers InternalFailure and logs one line when a service throws, and goes on', async () => {
    const lines: string[] = [];
    const failing = service('failing', async () => {
      throw new TypeError('no such\n thing');
    });
    const url = await listen([failing, echo], { log: (line) => lines.push(line) });

    const failed = await call(url, 'failing', { headers: { 'x-amz-target': 'F.Do' } });
    const next = await call(url, 'echo');

    expect(failed.status).toBe(500);
    expect(await failed.json()).toMatchObject({ __type: 'InternalFailure' });
    expect(lines).toEqual(['failing F.Do: TypeError: no such thing']);
    expect(next.status).toBe(200);
  });

  it('writes an AwsError that escapes S3 as XML', async () => {
    const s3 = service('s3', async () => {
      throw new AwsError('NoSuchBucket', 'No bucket <a&b>.', 404);
    });

    const answer = await fetch(`${await listen([s3])}/a/b`);

    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('<Code>NoSuchBucket</Code><Message>No bucket &lt;a&amp;b&gt;.</Message>');
  });

  it('streams a body and ends the connection when the body breaks off', async () => {
    const parts = service('parts', async (request) => ({
      status: 200,
      body: Readable.from(
        (async function* () {
          yield Buffer.from('first ');
          if (request.path === '/broken') throw new Error('disk gone');
          yield Buffer.from('second');
        })(),
      ),
    }));
    const url = await listen([parts]);

    const whole = await call(url, 'parts');
    const broken = call(`${url}/broken`, 'parts').then((answer) => answer.text());

    expect(await whole.text()).toBe('first second');
    await expect(broken).rejects.toThrow();
  });

  it.each([
    ['declared', { body: Buffer.alloc(2000) }],
    ['chunked', { body: new Blob([Buffer.alloc(2000)]).stream(), duplex: 'half' as const }],
  ])('refuses a %s body beyond the cap', async (_claim, init) => {
    const url = await listen([echo], { bodyBytesMax: 1000 });

    const answer = await call(url, 'echo', init);

    expect(answer.status).toBe(413);
  });

  it('keeps the connection usable when a service leaves a body unread', async () => {
    const deaf = service('deaf', async () => ({ status: 200, body: 'no' }));
    const url = await listen([deaf]);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    cleanUp.push(() => agent.destroy());
    const put = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const request = http.request(url, { method: 'PUT', agent, headers: { authorization: SCOPE_HEADER('deaf') } });
        request.once('error', reject);
        request.once('response', (answer) => resolve(readBody(answer, 1000).then(String)));
        request.end(Buffer.alloc(3_000_000));
      });

    const answers = [await put(), await put(), await put()];

    expect(answers).toEqual(['no', 'no', 'no']);
  });

  it('refuses a name that is not of this machine', async () => {
    const url = new URL(await listen([echo]));
    const request = http.get({ host: url.hostname, port: url.port, path: '/', headers: { host: 'evil.example' } });

    const answer = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
    answer.resume();

    expect(answer.statusCode).toBe(403);
  });

  it.each([
    ['Origin', 'https://evil.example'],
    ['Sec-Fetch-Site', 'cross-site'],
  ])('refuses a page of another site, told by %s, before any service sees its request', async (name, value) => {
    const paths: string[] = [];
    const seen = service('s3', async (request) => {
      paths.push(request.path);
      return { status: 200 };
    });
    const url = new URL(await listen([seen]));
    const send = (method: string): Promise<http.IncomingMessage> =>
      new Promise((resolve) => {
        const headers = { 'content-type': 'text/plain', [name]: value };
        const request = http.request(url, { method, path: '/bucket?delete', headers, agent: false }, resolve);
        request.end(method === 'POST' ? '<Delete/>' : undefined);
      });

    const answers = [await send('POST'), await send('GET'), await send('OPTIONS')];
    for (const answer of answers) answer.resume();

    expect(answers.map((answer) => answer.statusCode)).toEqual([403, 403, 403]);
    expect(paths).toEqual([]);
  });

  it.each(['HTTP/1.1', 'HTTP/2'])('tells a service that its client over %s has gone away', async (version) => {
    let arrived = (): void => undefined;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    let left = (): void => undefined;
    const departure = new Promise<void>((resolve) => (left = resolve));
    const waiting = service('waiting', async ({ signal }) => {
      signal?.addEventListener('abort', () => left());
      arrived();
      await departure;
      return { status: 200 };
    });
    const url = await listen([waiting]);
    const authorization = SCOPE_HEADER('waiting');

    if (version === 'HTTP/2') {
      const stream = connectHttp2(url).request({ ':method': 'POST', ':path': '/', authorization });
      stream.on('error', () => undefined);
      stream.end('{}');
      await arrival;
      stream.close(http2.constants.NGHTTP2_CANCEL);
    } else {
      const controller = new AbortController();
      const answer = call(url, 'waiting', { body: '{}', signal: controller.signal });
      await arrival;
      controller.abort();
      await expect(answer).rejects.toThrow();
    }

    await expect(departure).resolves.toBeUndefined();
  });

  it.each([
    ['HTTP/1.1', '100'],
    ['HTTP/1.1', undefined],
    ['HTTP/2', '100'],
    ['HTTP/2', undefined],
  ])(
    'takes no part for a body, and does not warn, when a client over %s goes away within %s bytes',
    async (version, length) => {
      const warnings: string[] = [];
      let arrived = (): void => undefined;
      const arrival = new Promise<void>((resolve) => (arrived = resolve));
      let ended = (_: string): void => undefined;
      const end = new Promise<string>((resolve) => (ended = resolve));
      const reading = service('reading', async ({ body }) => {
        arrived();
        try {
          ended(`${(await readBody(body, 1_000_000)).length} bytes`);
        } catch (error) {
          ended('broken off');
          throw error;
        }
        return { status: 200 };
      });
      const url = await listen([reading], { log: (line) => warnings.push(line) });
      const headers = { authorization: SCOPE_HEADER('reading'), ...(length && { 'content-length': length }) };

      const request =
        version === 'HTTP/2'
          ? connectHttp2(url).request({ ':method': 'POST', ':path': '/', ...headers })
          : http.request(url, { method: 'POST', headers, agent: false });
      request.on('error', () => undefined);
      request.write('{');
      await arrival;
      request.destroy();

      expect(await end).toBe('broken off');
      await sleep(20);
      expect(warnings).toEqual([]);
    },
  );

  it('leaves the signal of a request that is answered alone', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const answering = service('answering', async ({ signal }) => {
      signals.push(signal);
      return { status: 200, body: 'done' };
    });
    const url = await listen([answering]);

    await (await call(url, 'answering')).text();
    await opened.splice(0)[0]?.close();

    expect(signals.map((signal) => signal?.aborted)).toEqual([false]);
  });

  it('says in one line that the port is in use and how to choose another', async () => {
    const port = Number(new URL(await listen([echo])).port);

    const second = createFront({ services: [], port });

    await expect(second.listen()).rejects.toThrow(
      new RegExp(`^Port ${port} on 127.0.0.1 is in use\\. .*--port ${port + 1}$`),
    );
    await second.close();
  });

  it('lets a request under way finish when it closes, and does not wait for idle clients', async () => {
    const slow = service('slow', async () => {
      await sleep(300);
      return { status: 200, body: 'done' };
    });
    const front = createFront({ services: [slow, echo], port: 0 });
    const url = await front.listen();
    const session = connectHttp2(url);
    await callHttp2(session, { authorization: SCOPE_HEADER('echo') }, Buffer.alloc(1));
    await call(url, 'echo');
    const underWay = call(url, 'slow').then((answer) => answer.text());
    const underWayToo = callHttp2(session, { authorization: SCOPE_HEADER('slow') }, Buffer.alloc(1));
    await sleep(100);

    const startedAt = performance.now();
    await front.close();

    expect(await underWay).toBe('done');
    expect((await underWayToo).body).toBe('done');
    expect(performance.now() - startedAt).toBeLessThan(1500);
    await expect(call(url, 'echo')).rejects.toThrow();
  });
});
