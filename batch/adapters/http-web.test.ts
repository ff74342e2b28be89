import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type WebAnswer, type WebDocument, type WebRequest, WebUnavailable } from '../ingestion/web.ts';
import { createHttpWeb } from './http-web.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: http.Server;
let origin: string;
let folder: string;
let asked: { readonly url: string | undefined; readonly headers: IncomingMessage['headers'] }[];
let answer: Answer;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'web-'));
  asked = [];
  server = http.createServer((request, response) => {
    asked.push({ url: request.url, headers: request.headers });
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true });
});

const get = (change: Partial<WebRequest> = {}): Promise<WebAnswer> =>
  createHttpWeb({ folder }).get({
    url: `${origin}/feed.json?key=secret`,
    bytesMax: 1_000,
    timeoutMs: 5_000,
    known: undefined,
    ...change,
  });

async function document(change: Partial<WebRequest> = {}): Promise<WebDocument & { readonly text: string }> {
  const got = await get(change);
  if (got.kind !== 'document') throw new Error(`received ${JSON.stringify(got)}`);
  const parts = await Array.fromAsync(got.document.open());
  await got.document.discard();
  return { ...got.document, text: Buffer.concat(parts).toString() };
}

const body =
  (content: string | Buffer, headers: http.OutgoingHttpHeaders = {}, status = 200): Answer =>
  (_request, response) =>
    response.writeHead(status, headers).end(content);

const redirect =
  (location: string): Answer =>
  (_request, response) =>
    response.writeHead(302, { location }).end();

describe('a document', () => {
  it('is given whole, with what tells it from the next, and leaves nothing once it is discarded', async () => {
    answer = body('{"a":1}', { etag: '"v1"', 'last-modified': 'Wed, 25 Nov 2026 07:00:00 GMT', 'content-type': 'a/b' });

    expect(await document()).toMatchObject({
      text: '{"a":1}',
      sizeBytes: 7,
      contentType: 'a/b',
      etag: '"v1"',
      lastModified: 'Wed, 25 Nov 2026 07:00:00 GMT',
    });
    expect(asked).toMatchObject([{ url: '/feed.json?key=secret', headers: { 'accept-encoding': 'gzip' } }]);
    expect(asked[0]?.headers).not.toHaveProperty('if-none-match');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is asked for by what is known of it, and may be unchanged', async () => {
    answer = body('', {}, 304);

    expect(await get({ known: { etag: 'W/"v1"', lastModified: 'Wed, 25 Nov 2026 07:00:00 GMT' } })).toEqual({
      kind: 'unchanged',
    });
    expect(asked[0]?.headers).toMatchObject({
      'if-none-match': 'W/"v1"',
      'if-modified-since': 'Wed, 25 Nov 2026 07:00:00 GMT',
    });
  });

  it('comes decompressed', async () => {
    answer = body(gzipSync('{"a":1}'), { 'content-encoding': 'gzip' });

    expect(await document()).toMatchObject({ text: '{"a":1}', sizeBytes: 7 });
  });

  it('of a redirect to its own host is that of the last', async () => {
    answer = (request, response) => {
      if (request.url === '/new') body('new')(request, response);
      else redirect(`${origin}/new`)(request, response);
    };

    expect(await document({ known: { etag: '"v1"' } })).toMatchObject({ text: 'new' });
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual(['"v1"', '"v1"']);
  });

  it('without a short ETag has none', async () => {
    answer = body('x', { etag: `"${'v'.repeat(600)}"` });

    expect(await document()).not.toHaveProperty('etag');
  });
});

describe('an answer is refused', () => {
  it.each<[string, () => Answer, RegExp]>([
    ['with 404', () => body('', {}, 404), /^http:\/\/127.0.0.1:\d+\/feed.json: received status 404, allowed: 200/],
    ['with 304 to nothing known', () => body('', {}, 304), /received status 304/],
    ['with 204', () => body('', {}, 204), /received status 204/],
    ['as a redirect to another host', () => redirect('http://169.254.169.254/latest/'), /redirect to http:\/\/169.254/],
    [
      'as a redirect to another port',
      () => redirect('http://127.0.0.1:1/'),
      /redirect to http:\/\/127.0.0.1:1, allowed: to/,
    ],
    ['as a redirect to a file', () => redirect('file:///etc/passwd'), /redirect to null/],
    ['as a redirect to nowhere', () => redirect('http://'), /redirect to nowhere/],
    ['as a redirect without end', () => redirect('/again'), /received more redirects, allowed: 3/],
    ['as too large by its length', () => body(Buffer.alloc(1_001)), /received more than 1000 bytes, which are allowed/],
    [
      'as too large when decompressed',
      () => body(gzipSync(Buffer.alloc(1e6)), { 'content-encoding': 'gzip' }),
      /1000 bytes/,
    ],
    ['in another encoding', () => body('x', { 'content-encoding': 'br' }), /content-encoding br, allowed: gzip/],
    ['as gzip that is none', () => body('plain', { 'content-encoding': 'gzip' }), /its gzip is broken/],
    [
      'as gzip cut short',
      () => body(gzipSync('abc').subarray(0, 15), { 'content-encoding': 'gzip' }),
      /its gzip is broken/,
    ],
  ])('%s', async (_name, answers, reason) => {
    answer = answers();

    expect(await get()).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('and its reason has nothing of the query', async () => {
    answer = body('', {}, 404);

    expect(JSON.stringify(await get())).not.toContain('secret');
  });

  it('never asking more than three redirects', async () => {
    answer = redirect('/again');
    await get();

    expect(asked).toHaveLength(4);
  });
});

describe('the web is unavailable', () => {
  it.each<[string, Answer, Partial<WebRequest>, RegExp]>([
    ['with 500', body('', {}, 500), {}, /received status 500/],
    ['with 503', body('', {}, 503), {}, /received status 503/],
    ['with 429', body('', {}, 429), {}, /received status 429/],
    ['when it does not answer', () => {}, { timeoutMs: 100 }, /no whole answer within 100 ms/],
    [
      'when its answer takes too long',
      (_request, response) => void response.writeHead(200, { 'content-length': 100 }).write('slow'),
      { timeoutMs: 200 },
      /no whole answer within 200 ms/,
    ],
    [
      'when its answer breaks off',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('half');
        setTimeout(() => response.destroy(), 20);
      },
      {},
      /aborted/,
    ],
    [
      'when its gzip breaks off with the connection',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100, 'content-encoding': 'gzip' });
        response.write(gzipSync('abc').subarray(0, 15));
        setTimeout(() => response.destroy(), 20);
      },
      {},
      /aborted/,
    ],
    ['when the connection is closed at once', (request) => void request.socket.destroy(), {}, /hang up/],
  ])('%s', async (_name, answers, change, message) => {
    answer = answers;
    const asking = get(change);

    await expect(asking).rejects.toBeInstanceOf(WebUnavailable);
    await expect(asking).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('when its name is not known', async () => {
    const web = createHttpWeb({ folder, resolve: async () => Promise.reject(new Error('ENOTFOUND')) });
    const asking = web.get({ url: 'https://feed.example/', bytesMax: 1, timeoutMs: 1_000, known: undefined });

    await expect(asking).rejects.toThrow('https://feed.example: ENOTFOUND');
  });
});

describe('a host that is not public is not connected to', () => {
  it.each([
    ['as the metadata of the network', 'https://169.254.169.254/latest/', []],
    ['as an IPv6 address of the network', 'https://[fd00::1]/', []],
    ['by a name', 'https://feed.example/', ['10.0.0.1']],
    ['by a name with one such address', 'https://feed.example/', ['93.184.216.34', '127.0.0.1']],
    ['by a name on loopback that leads elsewhere', 'http://localhost/', ['93.184.216.34']],
  ])('%s', async (_name, url, addresses) => {
    const resolve = async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const got = await createHttpWeb({ folder, resolve }).get({ url, bytesMax: 1, timeoutMs: 1_000, known: undefined });

    expect(got).toEqual({ kind: 'refused', reason: expect.stringMatching(/received the address .*, allowed: public/) });
    expect(asked).toEqual([]);
  });
});

it('a name on loopback is asked at the address that it was checked at', async () => {
  answer = body('here');
  const { port } = new URL(origin);
  const web = createHttpWeb({ folder, resolve: async () => [{ address: '127.0.0.1', family: 4 }] });

  const got = await web.get({ url: `http://localhost:${port}/`, bytesMax: 100, timeoutMs: 1_000, known: undefined });

  expect(got.kind).toBe('document');
  expect(asked[0]?.headers.host).toBe(`localhost:${port}`);
});
