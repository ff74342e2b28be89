import { describe, expect, test } from '@jest/globals';
import { clientSettings, parseVerb } from './connection.ts';

const LOCAL = { accessKeyId: 'local', secretAccessKey: 'local' };

describe('how a verb reaches its endpoint', () => {
  test.each([
    ['AWS, as its CLI does', {}, {}, {}],
    ['AWS in a region', { region: 'eu-west-1' }, { AWS_REGION: 'us-east-2' }, { region: 'eu-west-1' }],
    [
      'a local endpoint, with credentials and a region of its own',
      { 'endpoint-url': 'http://127.0.0.1:4566' },
      {},
      { endpoint: 'http://127.0.0.1:4566', region: 'us-east-1', credentials: LOCAL },
    ],
    [
      'a local endpoint of the environment, with its credentials and region',
      {},
      { AWS_ENDPOINT_URL: 'http://localhost:1', AWS_ACCESS_KEY_ID: 'me', AWS_DEFAULT_REGION: 'eu-west-1' },
      { endpoint: 'http://localhost:1', region: 'eu-west-1' },
    ],
    [
      'another endpoint, which made-up credentials are no use for',
      { 'endpoint-url': 'https://aws.example.org' },
      {},
      { endpoint: 'https://aws.example.org' },
    ],
  ])('is %s', (_, options, environment, settings) => {
    expect(clientSettings(options, environment)).toEqual(settings);
  });

  test.each(['127.0.0.1:4566', 'ftp://127.0.0.1', 'here'])('is no %s', (url) => {
    expect(() => clientSettings({ 'endpoint-url': url }, {})).toThrow(`--endpoint-url: received ${url}`);
  });

  test('refuses an option that the verb has not, in one line', () => {
    expect(() => parseVerb('tape', ['--colour'], {})).toThrow(
      /^Unknown option '--colour'\. See npm run pipeline -- tape --help$/,
    );
  });

  test.each([
    [['--grace', '-1'], '-1'],
    [['--grace=-1'], '-1'],
    [['--grace', '5'], '5'],
    [['--', '--grace', '-1'], undefined],
  ])('takes a negative number for a value, which the verb may refuse: %j', (args, grace) => {
    expect(parseVerb('reconcile', args, { grace: { type: 'string' } }).values.grace).toBe(grace);
  });

  test('refuses an option where a value should stand, and says how such a value is given', () => {
    expect(() => parseVerb('reconcile', ['--run', '--json'], { run: { type: 'string' } })).toThrow(
      /^--run: received --json, allowed: a value; if it begins with a dash, as --run=--json\. See /,
    );
  });
});
