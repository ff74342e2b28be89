import { describe, expect, it } from '@jest/globals';
import { failedCondition, type ReadConditions } from './read-conditions.ts';

const object = { etag: 'abc', modifiedAtMs: Date.UTC(2026, 10, 23, 12, 0, 0, 500) };
const BEFORE = 'Mon, 23 Nov 2026 11:59:59 GMT';
const SAME_SECOND = 'Mon, 23 Nov 2026 12:00:00 GMT';

describe('failedCondition', () => {
  it.each<[string, ReadConditions]>([
    ['no condition', {}],
    ['the ETag in quotation marks', { ifMatch: '"abc"' }],
    ['the ETag without them', { ifMatch: 'abc' }],
    ['any ETag', { ifMatch: '*' }],
    ['one of several ETags', { ifMatch: '"x", "abc"' }],
    ['another ETag than the known one', { ifNoneMatch: '"x"' }],
    ['a change since an earlier date', { ifModifiedSince: BEFORE }],
    ['no change since the same second', { ifUnmodifiedSince: SAME_SECOND }],
    ['a date that is none', { ifModifiedSince: 'yesterday', ifUnmodifiedSince: 'tomorrow' }],
    ['a matching ETag over an earlier date', { ifMatch: 'abc', ifUnmodifiedSince: BEFORE }],
    ['an unknown ETag over the same second', { ifNoneMatch: 'x', ifModifiedSince: SAME_SECOND }],
  ])('holds for %s', (_claim, conditions) => {
    expect(failedCondition(conditions, object)).toBeUndefined();
  });

  it.each<[ReadConditions, string]>([
    [{ ifMatch: '"x"' }, 'If-Match'],
    [{ ifUnmodifiedSince: BEFORE }, 'If-Unmodified-Since'],
    [{ ifNoneMatch: 'W/"abc"' }, 'If-None-Match'],
    [{ ifNoneMatch: '*' }, 'If-None-Match'],
    [{ ifModifiedSince: SAME_SECOND }, 'If-Modified-Since'],
    [{ ifNoneMatch: 'abc', ifModifiedSince: BEFORE }, 'If-None-Match'],
  ])('names what does not hold of %j', (conditions, expected) => {
    expect(failedCondition(conditions, object)).toBe(expected);
  });
});
