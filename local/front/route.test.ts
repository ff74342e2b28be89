import { describe, expect, it } from '@jest/globals';
import { type Routable, routeOf } from './route.ts';

const request = (changes: Partial<Routable>): Routable => ({
  method: 'POST',
  path: '/',
  query: new URLSearchParams(),
  headers: {},
  ...changes,
});

const sigV4 = (scope: string): Readonly<Record<string, string>> => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=00`,
});

describe('routeOf', () => {
  it.each([
    ['the credential scope', request({ headers: sigV4('local/20261123/us-east-1/kinesis/aws4_request') }), 'kinesis'],
    ['a key with slashes in it', request({ headers: sigV4('a/b/20261123/us-east-1/logs/aws4_request') }), 'logs'],
    [
      'a SigV4a scope, which has no region',
      request({ headers: { authorization: 'AWS4-ECDSA-P256-SHA256 Credential=k/20261123/events/aws4_request' } }),
      'events',
    ],
    ['S3 under its express name', request({ headers: sigV4('local/20261123/us-east-1/s3express/aws4_request') }), 's3'],
    [
      'a presigned URL',
      request({
        method: 'GET',
        path: '/bucket/key',
        query: new URLSearchParams('X-Amz-Credential=local%2F20261123%2Fus-east-1%2Fs3%2Faws4_request'),
      }),
      's3',
    ],
    [
      'the scope rather than the target',
      request({
        headers: {
          ...sigV4('k/20261123/us-east-1/firehose/aws4_request'),
          'x-amz-target': 'Kinesis_20131202.PutRecord',
        },
      }),
      'firehose',
    ],
    ['an unsigned target', request({ headers: { 'x-amz-target': 'AWSGlue.GetTables' } }), 'glue'],
    ['an unsigned target of no service here', request({ headers: { 'x-amz-target': 'Other_1.Do' } }), 'Other_1'],
    ['an unsigned GET of a path', request({ method: 'GET', path: '/bucket/key' }), 's3'],
    ['an unsigned PUT of a path', request({ method: 'PUT', path: '/bucket/key' }), 's3'],
    ['an API in the path, unsigned', request({ path: '/_aws/execute-api/abc/prod/events' }), 'execute-api'],
    [
      'an API in the path, whatever was signed',
      request({ path: '/_aws/execute-api/abc/prod', headers: sigV4('k/20261123/us-east-1/s3/aws4_request') }),
      'execute-api',
    ],
    ['an API in the host', request({ headers: { host: 'abc.execute-api.localhost:4566' } }), 'execute-api'],
    ['a signature of version 2', request({ method: 'GET', headers: { authorization: 'AWS key:signature' } }), 's3'],
  ])('routes by %s', (_claim, given, scope) => {
    expect(routeOf(given)).toEqual({ to: 'service', scope });
  });

  it('keeps one path for the switches of failures, signed or not', () => {
    const path = '/_local/faults';

    expect(routeOf(request({ method: 'PUT', path }))).toEqual({ to: 'faults' });
    expect(routeOf(request({ path, headers: sigV4('k/20261123/us-east-1/s3/aws4_request') }))).toEqual({
      to: 'faults',
    });
    expect(routeOf(request({ method: 'PUT', path: `${path}/more` }))).toEqual({ to: 'service', scope: 's3' });
  });

  it('welcomes an unsigned GET of the root', () => {
    expect(routeOf(request({ method: 'GET' }))).toEqual({ to: 'welcome' });
  });
});
