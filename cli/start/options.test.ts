import { describe, expect, it } from '@jest/globals';
import { parseStartOptions, START_HELP, UsageError } from './options.ts';

describe('the options of npm start', () => {
  it('run live on port 4566 with kept state by default', () => {
    expect(parseStartOptions([])).toEqual({
      ...{ once: false, json: false, fresh: false, feed: true },
      ...{ port: 4566, state: '.local/live' },
    });
  });

  it.each([
    [['--once'], { once: true, fresh: true, state: '.local/once' }],
    [['--once', '--state', 'x'], { once: true, fresh: false, state: 'x' }],
    [['--once', '--state', 'x', '--fresh'], { once: true, fresh: true, state: 'x' }],
    [['--json', '--fresh', '--no-feed', '--port', '0'], { json: true, fresh: true, feed: false, port: 0 }],
  ])('%j', (args, expected) => {
    expect(parseStartOptions(args)).toMatchObject(expected);
  });

  it('are all explained by --help', () => {
    expect(parseStartOptions(['--help'])).toBe('help');
    expect(parseStartOptions(['-h'])).toBe('help');
    for (const name of ['--once', '--json', '--no-feed', '--fresh', '--port', '--state', '--help']) {
      expect(START_HELP).toContain(name);
    }
  });

  it.each([
    [['--port', '70000'], '--port: received 70000, allowed 0 to 65535'],
    [['--port', 'http'], '--port: received http, allowed 0 to 65535'],
    [['--nope'], /^Unknown option '--nope'\. See npm start -- --help$/],
    [['extra'], /^Unexpected argument 'extra'\. .*See npm start -- --help$/],
  ])('are refused in one line: %j', (args, message) => {
    expect(() => parseStartOptions(args)).toThrow(UsageError);
    expect(() => parseStartOptions(args)).toThrow(message);
  });
});
