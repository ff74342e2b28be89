import { describe, expect, test } from '@jest/globals';
import { describeError } from './describe-error.ts';
import { UsageError } from './verb.ts';

const refused = () => Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:4566'), { code: 'ECONNREFUSED' });
const REFUSED =
  'connect ECONNREFUSED 127.0.0.1:4566: nothing answers there. Is npm start running, and do AWS_ENDPOINT_URL or --endpoint-url name its endpoint?';

describe('the line that a verb ends with', () => {
  test.each([
    ['comes as it is', refused()],
    ['is wrapped', new Error('The pending stream has been canceled', { cause: new Error('', { cause: refused() }) })],
    ['is of several addresses', Object.assign(new AggregateError([refused(), refused()]), { code: 'ECONNREFUSED' })],
  ])('asks whether the pipeline runs when the error of a connection %s', (_, error) => {
    expect(describeError(error)).toBe(REFUSED);
  });

  test.each([
    ['region', new Error('Region is missing')],
    ['credentials', Object.assign(new Error('none'), { name: 'CredentialsProviderError' })],
  ])('names the variable of an endpoint where there are no %s for AWS', (_, error) => {
    expect(describeError(error)).toMatch(/ for npm start, name its endpoint by AWS_ENDPOINT_URL or --endpoint-url$/);
  });

  test.each([
    ['an error, and its class', new RangeError('too\n  long'), 'RangeError: too long'],
    ['what is wrong with a command line alone', new UsageError('--row: received x'), '--row: received x'],
    ['what is no error', 'stop', 'stop'],
  ])('tells %s', (_, error, line) => {
    expect(describeError(error)).toBe(line);
  });

  test('is told of an error that is its own cause', () => {
    const error = new Error('round');
    error.cause = error;

    expect(describeError(error)).toBe('round');
  });
});
