import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createClock } from '../clock.ts';
import { LambdaFaults } from '../faults/lambda-faults.ts';
import type { FunctionDefinition } from './function-definition.ts';
import { FunctionPool, type InvocationOutcome } from './function-pool.ts';

const folders: string[] = [];
const pools: FunctionPool[] = [];
const clock = createClock();

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

interface Made {
  readonly pool: FunctionPool;
  readonly faults: LambdaFaults;
  readonly log: readonly string[];
  readonly groups: ReadonlySet<string>;
  readonly streams: ReadonlySet<string>;
}

/** A function whose bundle is `source`. */
function make(source: string, overrides: Partial<FunctionDefinition> = {}): Made {
  const folder = mkdtempSync(path.join(tmpdir(), 'function-'));
  folders.push(folder);
  writeFileSync(path.join(folder, 'index.cjs'), source);
  const log: string[] = [];
  const groups = new Set<string>();
  const streams = new Set<string>();
  const faults = new LambdaFaults({ scope: 'lambda', clock, handle: () => async () => ({ status: 200 }) });
  const pool = new FunctionPool({
    definition: {
      name: 'subject',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:subject',
      description: '',
      handler: 'index.handler',
      runtime: 'nodejs24.x',
      architecture: 'arm64',
      role: 'arn:aws:iam::000000000000:role/subject',
      memoryMb: 128,
      timeoutMs: 5_000,
      environment: {},
      reservedConcurrency: undefined,
      logGroup: '/aws/lambda/subject',
      logFormat: 'Text',
      applicationLogLevel: 'INFO',
      systemLogLevel: 'INFO',
      assetKey: 'asset',
      ...overrides,
    },
    folder,
    environment: {
      account: '000000000000',
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:4566',
      folder: () => folder,
      clock,
    },
    logs: {
      write: (group, stream, events) => {
        groups.add(group);
        streams.add(stream);
        for (const event of events) log.push(event.message);
      },
    },
    faults,
  });
  pools.push(pool);
  return { pool, faults, log, groups, streams };
}

function payloadOf(outcome: InvocationOutcome): unknown {
  if (outcome.kind === 'throttled') throw new Error(outcome.message);
  return JSON.parse(outcome.payload);
}

describe('a function', () => {
  it('gets its event and returns JSON', async () => {
    const { pool } = make('exports.handler = async (event) => ({ got: event, none: undefined, at: new Date(0) });');

    const text = await pool.invoke({ payload: '{"a":1}' });
    const object = await pool.invoke({ payload: { a: [1, 'ü'] } });

    expect(payloadOf(text)).toEqual({ got: { a: 1 }, at: '1970-01-01T00:00:00.000Z' });
    expect(payloadOf(object)).toEqual({ got: { a: [1, 'ü'] }, at: '1970-01-01T00:00:00.000Z' });
  });

  it('returns null when its handler returns nothing', async () => {
    const { pool } = make('exports.handler = async () => {};');

    const outcome = await pool.invoke({ payload: '{}' });

    expect(outcome).toMatchObject({ kind: 'returned', payload: 'null' });
  });

  it('has the environment of Lambda and nothing else of this machine but PATH', async () => {
    process.env.SECRET_OF_THE_DEVELOPER = 'secret';
    const { pool } = make('exports.handler = async () => ({ ...process.env, zone: new Date().getTimezoneOffset() });', {
      environment: { TABLE: 'orders', AWS_REGION: 'cannot be overridden' },
    });

    const seen = payloadOf(await pool.invoke({ payload: '{}' }));

    delete process.env.SECRET_OF_THE_DEVELOPER;
    expect(seen).toMatchObject({
      TABLE: 'orders',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_LAMBDA_FUNCTION_NAME: 'subject',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/subject',
      TZ: ':UTC',
      PATH: process.env.PATH,
      zone: 0,
    });
    expect(seen).not.toHaveProperty('SECRET_OF_THE_DEVELOPER');
    expect(seen).not.toHaveProperty('HOME');
  });

  it('gets the context object of Lambda', async () => {
    const { pool, streams } = make(
      'exports.handler = async (_event, context) => ({ ...context, left: context.getRemainingTimeInMillis() });',
    );

    const outcome = await pool.invoke({ payload: '{}' });

    const context = payloadOf(outcome);
    expect(context).toMatchObject({
      awsRequestId: outcome.requestId,
      functionName: 'subject',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:subject',
      memoryLimitInMB: '128',
      logGroupName: '/aws/lambda/subject',
      logStreamName: [...streams][0],
    });
    expect(context).toHaveProperty('left', expect.any(Number));
    const { left } = context as { readonly left: number };
    expect(left).toBeGreaterThan(4_000);
    expect(left).toBeLessThanOrEqual(5_000);
  });

  it('keeps its process for the next invocation', async () => {
    const { pool } = make('let count = 0; exports.handler = async () => ({ count: ++count, pid: process.pid });');

    const first = payloadOf(await pool.invoke({ payload: '{}' }));
    const second = payloadOf(await pool.invoke({ payload: '{}' }));

    expect(first).toMatchObject({ count: 1 });
    expect(second).toMatchObject({ count: 2 });
  });

  it('runs in several processes at once, one invocation in each', async () => {
    const { pool } = make(
      'exports.handler = async () => { await new Promise((r) => setTimeout(r, 300)); return process.pid; };',
    );

    const outcomes = await Promise.all([pool.invoke({ payload: '{}' }), pool.invoke({ payload: '{}' })]);

    expect(new Set(outcomes.map(payloadOf)).size).toBe(2);
  });

  it('throttles beyond its reserved concurrency, and lets wait those who ask to', async () => {
    const { pool } = make('exports.handler = async () => new Promise((r) => setTimeout(r, 200, process.pid));', {
      reservedConcurrency: 1,
    });

    const [first, second, third] = await Promise.all([
      pool.invoke({ payload: '{}' }),
      pool.invoke({ payload: '{}' }),
      pool.invoke({ payload: '{}', waits: true }),
    ]);

    expect([first?.kind, second?.kind, third?.kind]).toEqual(['returned', 'throttled', 'returned']);
  });
});

describe('a function that fails', () => {
  it('gives the error that it threw', async () => {
    const { pool, log } = make("exports.handler = async () => { throw new TypeError('no such thing'); };");

    const outcome = await pool.invoke({ payload: '{}' });

    expect(outcome).toMatchObject({ kind: 'failed', functionError: 'Unhandled' });
    expect(payloadOf(outcome)).toMatchObject({ errorType: 'TypeError', errorMessage: 'no such thing' });
    expect(payloadOf(outcome)).toHaveProperty('trace.0', 'TypeError: no such thing');
    expect(log.join('\n')).toContain('ERROR\tInvoke Error');
  });

  it('is killed when its time is over, and serves again in a new process', async () => {
    const { pool, log } = make('exports.handler = async (event) => { while (event.loops); return process.pid; };', {
      timeoutMs: 1_000,
    });

    const slow = await pool.invoke({ payload: '{"loops":true}' });
    const next = await pool.invoke({ payload: '{}' });

    expect(slow.kind).toBe('failed');
    expect(payloadOf(slow)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${slow.requestId} Error: Task timed out after 1.00 seconds`,
    });
    expect(log.filter((line) => line.includes('Task timed out after 1.00 seconds'))).toHaveLength(1);
    expect(log.find((line) => line.startsWith('REPORT'))).toContain('Status: timeout');
    expect(next.kind).toBe('returned');
  });

  it.each([
    ['exits in mid-invocation', 'process.exit(3)', 'Runtime exited with error: exit status 3'],
    ['exits without an error', 'process.exit(0)', 'Runtime exited without providing a reason'],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", 'Runtime exited with error: signal: SIGKILL'],
    [
      'runs out of memory',
      'const kept = []; for (;;) kept.push(new Array(1e6).fill({}))',
      'Runtime exited with error: signal: SIG',
    ],
  ])('gives Runtime.ExitError when it %s', async (_name, body, message) => {
    const { pool } = make(`exports.handler = async () => { ${body}; };`, { timeoutMs: 20_000 });

    const outcome = await pool.invoke({ payload: '{}' });

    expect(payloadOf(outcome)).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining(message),
    });
  });

  it('gives an error that nobody caught, and ends the process', async () => {
    const { pool } = make(`exports.handler = async (event) => {
      if (!event.fails) return 'well';
      setTimeout(() => { throw new RangeError('too late'); }, 10);
      await new Promise(() => setTimeout(() => {}, 60000));
    };`);

    const failed = await pool.invoke({ payload: '{"fails":true}' });
    const next = await pool.invoke({ payload: '{}' });

    expect(payloadOf(failed)).toMatchObject({ errorType: 'RangeError', errorMessage: 'too late' });
    expect(payloadOf(next)).toBe('well');
  });

  it('gives Runtime.UnhandledPromiseRejection for a rejection that nobody handled', async () => {
    const { pool } = make(`exports.handler = async () => {
      Promise.reject(new Error('forgotten'));
      await new Promise((r) => setTimeout(r, 1000));
    };`);

    const outcome = await pool.invoke({ payload: '{}' });

    expect(payloadOf(outcome)).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'forgotten',
    });
  });

  it.each([
    [
      'throws while it loads',
      "throw new Error('no configuration')",
      { errorType: 'Error', errorMessage: 'no configuration' },
    ],
    ['has no such handler', 'exports.other = 1', { errorType: 'Runtime.HandlerNotFound' }],
    [
      'takes a callback',
      'exports.handler = (event, context, callback) => callback()',
      { errorType: 'Runtime.CallbackHandlerDeprecated' },
    ],
    ['exits while it loads', 'process.exit(7)', { errorType: 'Runtime.ExitError' }],
  ])('fails each invocation when its bundle %s', async (_name, source, expected) => {
    const { pool } = make(source);

    const first = await pool.invoke({ payload: '{}' });
    const second = await pool.invoke({ payload: '{}' });

    expect(payloadOf(first)).toMatchObject(expected);
    expect(payloadOf(second)).toMatchObject(expected);
  });

  it('refuses a result that is no JSON or more than 6 MB', async () => {
    const { pool } = make(`exports.handler = async (event) => {
      if (event.large) return 'x'.repeat(7e6);
      const own = {}; own.own = own; return own;
    };`);

    const circular = await pool.invoke({ payload: '{}' });
    const large = await pool.invoke({ payload: '{"large":true}' });

    expect(payloadOf(circular)).toMatchObject({ errorType: 'Runtime.MarshalError' });
    expect(payloadOf(large)).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
  });

  it('is killed in mid-invocation when a test asks for it', async () => {
    const { pool, faults } = make('exports.handler = async () => new Promise((r) => setTimeout(r, 300, "well"));');
    faults.killAt({ invocation: 2, afterMs: 50 });

    const outcomes = [];
    for (let count = 0; count < 3; count += 1) outcomes.push((await pool.invoke({ payload: '{}' })).kind);

    expect(outcomes).toEqual(['returned', 'failed', 'returned']);
  });
});

describe('the log of a function', () => {
  it('has START, what was printed in order, END and REPORT', async () => {
    const { pool, log, groups } = make(`exports.handler = async () => {
      console.log('plain %d', 1);
      process.stdout.write('raw\\n');
      console.error('two\\nlines');
      process.stderr.write('last\\n');
    };`);

    const { requestId } = await pool.invoke({ payload: '{}' });

    expect([...groups]).toEqual(['/aws/lambda/subject']);
    expect(log).toEqual([
      `START RequestId: ${requestId} Version: $LATEST`,
      expect.stringMatching(new RegExp(`^\\S+Z\t${requestId}\tINFO\tplain 1$`)),
      'raw',
      expect.stringMatching(/\tERROR\ttwo\nlines$/),
      'last',
      `END RequestId: ${requestId}`,
      expect.stringMatching(
        /^REPORT .*Duration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration/,
      ),
    ]);
  });

  it('is the tail that an invocation gives', async () => {
    const { pool } = make("exports.handler = async () => { console.log('x'.repeat(5000)); };");

    const outcome = await pool.invoke({ payload: '{}' });

    const log = outcome.kind === 'throttled' ? '' : outcome.log;
    expect(Buffer.byteLength(log)).toBe(4_096);
    expect(log).toMatch(/REPORT .*\n$/);
  });

  it('has JSON lines when the template says so, from the level on that it says', async () => {
    const source = `exports.handler = async () => {
      console.debug('left out');
      console.warn('careful', 1);
      console.error(new TypeError('odd'));
      console.error('while trying', new TypeError('odd'));
      console.info({ count: 1 });
      process.stdout.write('{"own":true}\\n');
    };`;
    const { pool, log } = make(source, { logFormat: 'JSON' });

    const { requestId } = await pool.invoke({ payload: '{}' });

    const odd = { errorType: 'TypeError', errorMessage: 'odd', stackTrace: expect.any(Array) };
    expect(log.map((line) => JSON.parse(line))).toEqual([
      { time: expect.any(String), type: 'platform.start', record: { requestId, version: '$LATEST' } },
      { timestamp: expect.any(String), level: 'WARN', requestId, message: 'careful 1' },
      { timestamp: expect.any(String), level: 'ERROR', requestId, message: odd },
      {
        timestamp: expect.any(String),
        level: 'ERROR',
        requestId,
        message: expect.stringContaining('while trying'),
        ...odd,
      },
      { timestamp: expect.any(String), level: 'INFO', requestId, message: { count: 1 } },
      { own: true },
      {
        time: expect.any(String),
        type: 'platform.report',
        record: {
          requestId,
          status: 'success',
          metrics: expect.objectContaining({ memorySizeMB: 128, durationMs: expect.any(Number) }),
        },
      },
    ]);
  });

  it('reports failures only when the system log level is WARN', async () => {
    const { pool, log } = make(
      "exports.handler = async (event) => { if (event.fails) throw new Error('as asked'); };",
      {
        logFormat: 'JSON',
        systemLogLevel: 'WARN',
      },
    );

    await pool.invoke({ payload: '{}' });
    await pool.invoke({ payload: '{"fails":true}' });

    expect(log.map((line) => JSON.parse(line).type ?? 'application')).toEqual(['application', 'platform.report']);
    expect(JSON.parse(log[1] ?? '').record).toMatchObject({ status: 'error', errorType: 'Error' });
  });
});

it('hands a batch of 10,000 records over in well under a second', async () => {
  const { pool } = make('exports.handler = async (event) => event.Records.length;', { memoryMb: 512 });
  const Records = Array.from({ length: 10_000 }, (_, index) => ({
    kinesis: { data: 'x'.repeat(500), sequenceNumber: String(index) },
  }));
  await pool.invoke({ payload: '{"Records":[]}' });

  const startedAt = performance.now();
  const outcome = await pool.invoke({ payload: { Records } });

  expect(payloadOf(outcome)).toBe(10_000);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
