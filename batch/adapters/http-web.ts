/**
 * Documents of the web by node's own client: `fetch` would connect to any address that a name resolves to, and does not let
 * it be checked. A document waits in a file until it is discarded, so that its size does not count as memory.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { isLoopbackHost } from '../../schemas/check-schedules.ts';
import { isLoopbackAddress, isPublicAddress } from '../ingestion/public-address.ts';
import { type WebAnswer, type WebPort, type WebRequest, WebUnavailable } from '../ingestion/web.ts';

export interface HttpWebOptions {
  /** Documents wait in folders below it. Default: the machine's temporary folder, 512 MiB in Lambda. */
  readonly folder?: string;
  /** All addresses of a name. Default: those that the machine's resolver gives. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

const REDIRECTS_MAX = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Later, these may be answered otherwise: RFC 9110, 15.5.9; RFC 8470, 5.2; RFC 6585, 4. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);
/** Longer ones are not sent again: a header has its limits, and an object's metadata too. */
const VALIDATOR_CHARACTERS_MAX = 512;

/** Asked again, it would be no other. */
class Refused extends Error {}

export function createHttpWeb({ folder = tmpdir(), resolve = resolveAll }: HttpWebOptions = {}): WebPort {
  return {
    async get(request) {
      const signal = AbortSignal.timeout(request.timeoutMs);
      try {
        const { url, response } = await follow(request, resolve, signal);
        if (response.statusCode === 304 && request.known !== undefined) return unchanged(response);
        checkStatus(url, response);
        return await receive(url, response, { ...request, folder, signal });
      } catch (error) {
        if (error instanceof Refused) return { kind: 'refused', reason: error.message };
        if (error instanceof WebUnavailable) throw error;
        const { origin } = new URL(request.url);
        const reason = signal.aborted ? `no whole answer within ${request.timeoutMs} ms` : messageOf(error);
        throw new WebUnavailable(`${origin}: ${reason}`, { cause: error });
      }
    },
  };
}

async function follow(
  { url: declared, known }: WebRequest,
  resolve: NonNullable<HttpWebOptions['resolve']>,
  signal: AbortSignal,
): Promise<{ readonly url: URL; readonly response: IncomingMessage }> {
  const first = new URL(declared);
  let url = first;
  for (let redirects = 0; ; redirects++) {
    const response = await ask(url, requestOptions(first, known, resolve, signal));
    if (!REDIRECTS.has(response.statusCode ?? 0)) return { url, response };
    response.destroy();
    const { location = '' } = response.headers;
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    const isSame = next?.host === first.host && (next.protocol === 'https:' || next.protocol === first.protocol);
    if (next === undefined || !isSame) {
      const to = next === undefined ? 'nowhere' : next.origin;
      throw new Refused(`${named(url)}: received a redirect to ${to}, allowed: to ${first.origin}`);
    }
    if (redirects >= REDIRECTS_MAX) {
      throw new Refused(`${named(first)}: received more redirects, allowed: ${REDIRECTS_MAX}`);
    }
    url = next;
  }
}

function requestOptions(
  { hostname }: URL,
  known: WebRequest['known'],
  resolve: NonNullable<HttpWebOptions['resolve']>,
  signal: AbortSignal,
): RequestOptions {
  const isAllowed = isLoopbackHost(hostname) ? isLoopbackAddress : isPublicAddress;
  // A host that is an address is not looked up.
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !isAllowed(address)) throw forbidden(hostname, address);
  return {
    signal,
    // A connection of its own: none is kept whose address was checked for another.
    agent: false,
    lookup: guardedLookup(resolve, isAllowed),
    headers: {
      accept: '*/*',
      'accept-encoding': 'gzip',
      'user-agent': 'data-pipeline',
      ...(known?.etag !== undefined && { 'if-none-match': known.etag }),
      ...(known?.lastModified !== undefined && { 'if-modified-since': known.lastModified }),
    },
  };
}

/** Connects to addresses that were checked, and to no others: a name may resolve to another one the next time. */
function guardedLookup(
  resolve: NonNullable<HttpWebOptions['resolve']>,
  isAllowed: (address: string) => boolean,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        const wrong = addresses.find(({ address }) => !isAllowed(address));
        if (wrong) callback(forbidden(hostname, wrong.address), '');
        else if (!first) callback(new Error(`${hostname} has no address`), '');
        else if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(Error.isError(error) ? error : new Error(String(error)), ''),
    );
  };
}

function forbidden(hostname: string, address: string): Refused {
  return new Refused(
    `${hostname}: received the address ${address}, allowed: public addresses, or loopback as declared`,
  );
}

function resolveAll(hostname: string): Promise<readonly LookupAddress[]> {
  return new Promise((found, failed) => {
    lookup(hostname, { all: true }, (error, addresses) => (error ? failed(error) : found(addresses)));
  });
}

function ask(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((answered, failed) => {
    client.get(url, options, answered).on('error', failed);
  });
}

function unchanged(response: IncomingMessage): WebAnswer {
  response.destroy();
  return { kind: 'unchanged' };
}

function checkStatus(url: URL, response: IncomingMessage): void {
  const { statusCode = 0 } = response;
  if (statusCode === 200) return;
  response.destroy();
  const reason = `${named(url)}: received status ${statusCode}, allowed: 200, and 304 to what is known`;
  throw statusCode >= 500 || NOT_NOW.has(statusCode) ? new WebUnavailable(reason) : new Refused(reason);
}

async function receive(
  url: URL,
  response: IncomingMessage,
  {
    bytesMax,
    folder,
    signal,
  }: Pick<WebRequest, 'bytesMax'> & { readonly folder: string; readonly signal: AbortSignal },
): Promise<WebAnswer> {
  const own = await mkdtemp(path.join(folder, 'pulled-'));
  const file = path.join(own, 'document');
  const discard = () => rm(own, { recursive: true, force: true });
  try {
    const decoded = decoder(url, response);
    // Opened first: a stream that opens it by itself may do so while the folder is being discarded.
    const target = (await open(file, 'wx')).createWriteStream();
    await pipeline(response, capped(url, bytesMax), decoded, capped(url, bytesMax), target, { signal });
    const { size } = await stat(file);
    const { etag, 'last-modified': lastModified, 'content-type': contentType } = response.headers;
    const document = {
      sizeBytes: size,
      contentType,
      ...(isShort(etag) && { etag }),
      ...(isShort(lastModified) && { lastModified }),
      open: () => createReadStream(file),
      discard,
    };
    return { kind: 'document', document };
  } catch (error) {
    response.destroy();
    await discard();
    throw isBrokenGzip(error) ? new Refused(`${named(url)}: its gzip is broken: ${messageOf(error)}`) : error;
  }
}

function decoder(url: URL, { headers }: IncomingMessage): Transform {
  const encoding = (headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') return new PassThrough();
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip();
  throw new Refused(`${named(url)}: received content-encoding ${encoding.slice(0, 50)}, allowed: gzip, or none`);
}

/** Counts what passes: a few bytes of gzip may stand for any number. */
function capped(url: URL, bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bytesMax) done(new Refused(`${named(url)}: received more than ${bytesMax} bytes, which are allowed`));
      else done(null, chunk);
    },
  });
}

function isBrokenGzip(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && String(error.code).startsWith('Z_');
}

function isShort(text: string | undefined): text is string {
  return text !== undefined && text.length > 0 && text.length <= VALIDATOR_CHARACTERS_MAX;
}

/** Without what may be a key in its query. */
function named({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

function messageOf(error: unknown): string {
  return Error.isError(error) ? error.message : String(error);
}
