import { describe, expect, it } from '@jest/globals';
import { refuseForeigners } from './refuse-foreigners.ts';

const HOST = '127.0.0.1:4566';

describe('a request', () => {
  it.each<[string, Record<string, string>]>([
    ['of an SDK', {}],
    ['of a client that names no host', { host: '' }],
    ['to localhost', { host: 'localhost:4566' }],
    ['to the loopback of IPv6', { host: '[::1]:4566' }],
    ['to a bucket as subdomain', { host: 'bucket.localhost:4566' }],
    ['that a person typed', { 'sec-fetch-site': 'none' }],
    ['of a page of the endpoint itself', { 'sec-fetch-site': 'same-origin', origin: `http://${HOST}` }],
    ['of such a page, in capitals', { host: 'LOCALHOST:4566', origin: 'http://localhost:4566' }],
  ])('%s is let in', (_claim, headers) => {
    const { host = HOST, ...others } = headers;
    const given: Record<string, string> = host === '' ? others : { host, ...others };

    expect(() => refuseForeigners(given)).not.toThrow();
  });

  it.each<[string, Record<string, string>]>([
    ['under a name of another machine', { host: 'evil.example' }],
    ['under a name that begins as one of this machine', { host: '127.0.0.1.evil.example' }],
    ['of a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['of a page on another port of this machine', { 'sec-fetch-site': 'same-site' }],
    ['of a site that no standard names', { 'sec-fetch-site': 'same-origin, cross-site' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from an origin that hides its name', { origin: 'null' }],
    ['from another port of this machine', { origin: 'http://127.0.0.1:3000' }],
    ['from the endpoint under another name', { origin: 'http://localhost:4566' }],
    ['from the endpoint over TLS', { origin: `https://${HOST}` }],
  ])('%s is refused', (_claim, headers) => {
    expect(() => refuseForeigners({ host: HOST, ...headers })).toThrow(
      expect.objectContaining({ code: 'AccessDeniedException', status: 403 }),
    );
  });
});
