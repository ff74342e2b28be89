import { describe, expect, it } from '@jest/globals';
import { checkSchedules } from './check-schedules.ts';
import type { DatasetSchedule } from './dataset.ts';

const HTTP = { kind: 'http', url: 'https://example.com/feed.json' } as const;
const schedule: DatasetSchedule = { name: 'feed', expression: 'rate(1 hour)', pull: HTTP };
const check = (...changes: readonly object[]) =>
  checkSchedules(
    'tides',
    changes.map((change) => ({ ...schedule, ...change })),
  );

describe('a schedule', () => {
  it.each([
    [{}],
    [{ expression: 'rate(15 minutes)' }],
    [{ expression: 'rate(10 days)' }],
    [{ expression: 'cron(0/30 20-23,0-2 ? * MON-FRI *)' }],
    [{ expression: 'cron(15 10 L * ? 2026-2030)' }],
    [{ expression: 'cron(15 10 ? * 6#3 *)' }],
    [{ enabled: false }],
    [{ pull: { kind: 's3', prefix: 'incoming/tides/' } }],
    [{ pull: { ...HTTP, bytesMax: 1_000, timeoutMs: 5_000 } }],
    [{ pull: { kind: 'http', url: 'http://127.0.0.1:8080/feed?hours=1' } }],
    [{ pull: { kind: 'http', url: 'http://[::1]/feed' } }],
  ])('may be %j', (change) => {
    expect(() => check(change)).not.toThrow();
  });

  it.each([
    [{ name: 'Feed' }, /tides: name of a schedule: received "Feed", allowed: \^\[a-z\]/],
    [{ name: 'a'.repeat(32) }, /name of a schedule/],
    [{ expression: 'rate(1 hours)' }, /schedule "feed": expression: received "rate\(1 hours\)", allowed: rate/],
    [{ expression: 'rate(0 hours)' }, /expression/],
    [{ expression: 'rate(30 seconds)' }, /expression/],
    [{ expression: 'cron(0 12 * * ?)' }, /expression/],
    [{ expression: 'cron(0 12 * * * *)' }, /expression: received .* a \? for one kind of day/],
    [{ expression: 'cron(0 12 ? * ? *)' }, /expression/],
    [{ expression: 'at(2030-01-01T00:00:00)' }, /expression/],
    [{ expression: undefined }, /expression: received nothing/],
    [{ enabled: 'no' }, /enabled: received "no", allowed: true or false/],
    [{ pull: undefined }, /pull: received nothing, allowed: kind "s3" or "http"/],
    [{ pull: { kind: 'ftp' } }, /pull: received {"kind":"ftp"}/],
    [{ pull: { kind: 's3', prefix: '' } }, /prefix: received "", allowed: 1 to 1024 bytes/],
    [{ pull: { kind: 's3', prefix: '/incoming/' } }, /prefix: received "\/incoming\/"/],
    [{ pull: { kind: 's3', prefix: 'pulled/tides/' } }, /prefix: received "pulled\/tides\/", .* not beginning with/],
    [{ pull: { kind: 's3', prefix: 'a'.repeat(1_025) } }, /prefix/],
    [
      { pull: { ...HTTP, url: 'http://example.com/' } },
      /url: received "http:\/\/example.com\/", allowed: https, or http on/,
    ],
    [{ pull: { ...HTTP, url: 'file:///etc/passwd' } }, /url/],
    [{ pull: { ...HTTP, url: 'feed.json' } }, /url/],
    [{ pull: { ...HTTP, bytesMax: 0 } }, /bytesMax: received 0, allowed: a whole number from 1 to 419430400/],
    [{ pull: { ...HTTP, bytesMax: 2 ** 40 } }, /bytesMax/],
    [{ pull: { ...HTTP, timeoutMs: 1.5 } }, /timeoutMs: received 1.5, allowed: a whole number from 100 to 300000/],
    [{ pull: { ...HTTP, timeoutMs: 600_000 } }, /timeoutMs/],
  ])('may not be %j', (change, message) => {
    expect(() => check(change)).toThrow(message);
  });

  it('has a name of its own', () => {
    expect(() => check({}, {})).toThrow('tides: name of a schedule: received "feed", allowed: each name once');
  });

  it('has, with its dataset, a name that Scheduler takes', () => {
    expect(() => checkSchedules('a'.repeat(60), [schedule])).toThrow('64 characters with the name of the dataset');
  });

  it('has no password in its URL, and none in the message', () => {
    const act = () => check({ pull: { ...HTTP, url: 'https://me:secret@example.com/feed' } });

    expect(act).toThrow('url: received "https://example.com/feed", allowed: a URL without user, password and fragment');
    expect(act).not.toThrow(/secret/);
  });
});
