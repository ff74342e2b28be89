/**
 * One process of a function: an execution environment of Lambda. It takes one invocation at a time, and whatever becomes
 * of it (result, error, timeout, crash) the caller gets exactly one outcome, after everything that the function printed
 * has been handed to `print`.
 *
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { FunctionDefinition } from './function-definition.ts';
import { type FunctionError, type InvokeMessage, LINE_BREAK_INSIDE, outputEnd } from './process-messages.ts';

export interface ProcessOptions {
  readonly definition: FunctionDefinition;
  /** Folder that holds the bundle. */
  readonly folder: string;
  readonly region: string;
  /** `AWS_ENDPOINT_URL` of the function. */
  readonly endpoint: string;
  readonly logStream: string;
  /** Gets each message that the process prints. */
  readonly print: (message: string) => void;
}

export type ProcessOutcome =
  | { readonly kind: 'returned'; readonly payload: string; readonly memoryBytes: number }
  | { readonly kind: 'failed'; readonly error: FunctionError; readonly memoryBytes: number };

const errorShape = z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.array(z.string()).optional() });
const messageShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('initFailed'), error: errorShape }),
  z.object({
    kind: z.literal('returned'),
    requestId: z.string(),
    payload: z.string(),
    memoryBytes: z.number(),
  }),
  z.object({
    kind: z.literal('threw'),
    requestId: z.string(),
    error: errorShape,
    memoryBytes: z.number(),
    ends: z.boolean(),
  }),
]);

/** Time that loading a bundle may take: Lambda's init phase, 10 s. */
const INIT_TIMEOUT_MS = 10_000;
/** Time between SIGTERM and SIGKILL at the end. */
const STOP_GRACE_MS = 500;
/** How long output is waited for after a result, should the function have closed its standard output. */
const OUTPUT_WAIT_MS = 1_000;
/** Share of the function's memory that V8's old space gets, as Lambda sets it; the rest is buffers and code. */
const OLD_SPACE_SHARE = 0.9;

const BOOTSTRAP = fileURLToPath(new URL('./bootstrap.ts', import.meta.url));

export class FunctionProcess {
  readonly #child: ChildProcess;
  readonly #options: ProcessOptions;
  readonly #outputEnded: Promise<void>;
  readonly #ready: Promise<FunctionError | undefined>;
  #ended = false;
  #waitsForOutput: { readonly mark: string; readonly resolve: () => void } | undefined;
  #current: { readonly requestId: string; readonly resolve: (outcome: ProcessOutcome) => void } | undefined;
  /** How the process was ended by us, if it was. */
  #killedBecause: FunctionError | undefined;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#child = fork(BOOTSTRAP, [], {
      cwd: options.folder,
      env: environmentOf(options),
      execArgv: [
        `--max-old-space-size=${Math.floor(options.definition.memoryMb * OLD_SPACE_SHARE)}`,
        '--disable-warning=ExperimentalWarning',
      ],
      serialization: 'advanced',
      // A group of its own: Ctrl-C at a terminal is for the runtime, which lets invocations end. The process ends itself
      // when its channel to the runtime closes.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#outputEnded = Promise.all([this.#readLines(this.#child.stdout), this.#readLines(this.#child.stderr)]).then(
      () => undefined,
    );
    this.#ready = this.#listen();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** True once the process has ended or is about to. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves once the handler is loaded; to the reason when it could not be. */
  ready(): Promise<FunctionError | undefined> {
    return this.#ready;
  }

  /** One at a time, after `ready`. Never rejects. */
  async invoke(message: InvokeMessage): Promise<ProcessOutcome> {
    if (this.#current) throw new Error(`The process ${this.pid} runs an invocation already.`);
    const outputSeen = new Promise<void>((resolve) => {
      this.#waitsForOutput = { mark: outputEnd(message.requestId), resolve };
    });
    const outcome = await new Promise<ProcessOutcome>((resolve) => {
      this.#current = { requestId: message.requestId, resolve };
      if (this.#ended) return this.#settle(this.#exitOutcome(null, null));
      const timeout = setTimeout(() => this.#timeOut(message), message.timeoutMs);
      this.#current = {
        requestId: message.requestId,
        resolve: (result) => {
          clearTimeout(timeout);
          resolve(result);
        },
      };
      this.#child.send(message, (error) => {
        if (error) this.kill();
      });
    });
    await Promise.race([outputSeen, this.#outputEnded, delay(OUTPUT_WAIT_MS)]);
    return outcome;
  }

  /** Ends the process at once, in the midst of whatever it does. */
  kill(): void {
    this.#ended = true;
    this.#child.kill('SIGKILL');
  }

  /** Ends the process: SIGTERM, then SIGKILL. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#ended = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const grace = setTimeout(() => this.#child.kill('SIGKILL'), STOP_GRACE_MS);
    await gone;
    clearTimeout(grace);
  }

  #listen(): Promise<FunctionError | undefined> {
    return new Promise((resolve) => {
      const failure = (errorMessage: string): FunctionError => ({ errorType: 'Runtime.ExitError', errorMessage });
      const timeout = setTimeout(() => {
        this.kill();
        resolve({
          errorType: 'Sandbox.Timedout',
          errorMessage: `The function's bundle did not load in ${INIT_TIMEOUT_MS / 1000} s.`,
        });
      }, INIT_TIMEOUT_MS);
      const settle = (error: FunctionError | undefined): void => {
        clearTimeout(timeout);
        resolve(error);
      };
      this.#child.on('message', (received: unknown) => {
        const parsed = messageShape.safeParse(received);
        // The function's own code can send messages, too; nobody here waits for those.
        if (!parsed.success) return;
        const message = parsed.data;
        if (message.kind === 'ready') settle(undefined);
        else if (message.kind === 'initFailed') settle(message.error);
        else if (message.kind === 'returned') this.#settle(message);
        else {
          this.#ended ||= message.ends;
          this.#settle({ kind: 'failed', error: message.error, memoryBytes: message.memoryBytes });
        }
      });
      this.#child.on('error', (error) => {
        this.#ended = true;
        settle(failure(`The function's process could not be started: ${error.message}`));
      });
      this.#child.on('exit', (code, signal) => {
        this.#ended = true;
        settle(failure(describeExit(code, signal)));
        // Output and messages sent before the end may still be on their way until all channels have closed.
        const end = (): void => this.#settle(this.#exitOutcome(code, signal));
        const timer = setTimeout(end, OUTPUT_WAIT_MS);
        this.#child.once('close', () => {
          clearTimeout(timer);
          end();
        });
      });
    });
  }

  #settle(outcome: ProcessOutcome): void {
    const current = this.#current;
    this.#current = undefined;
    current?.resolve(outcome);
  }

  #timeOut(message: InvokeMessage): void {
    const text = `Task timed out after ${(message.timeoutMs / 1000).toFixed(2)} seconds`;
    this.#killedBecause = {
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${message.requestId} Error: ${text}`,
    };
    this.kill();
  }

  #exitOutcome(code: number | null, signal: NodeJS.Signals | null): ProcessOutcome {
    const errorMessage = `RequestId: ${this.#current?.requestId} Error: ${describeExit(code, signal)}`;
    const error = this.#killedBecause ?? { errorType: 'Runtime.ExitError', errorMessage };
    return { kind: 'failed', error, memoryBytes: 0 };
  }

  /** Splits at line feeds only: a carriage return stands for a line break inside a message. */
  async #readLines(output: Readable | null): Promise<void> {
    if (!output) return;
    let rest = '';
    const take = (line: string): void => {
      if (line === this.#waitsForOutput?.mark) this.#waitsForOutput.resolve();
      else if (line !== '') this.#options.print(line.replaceAll(LINE_BREAK_INSIDE, '\n'));
    };
    output.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    });
    await once(output, 'close');
    take(rest);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `Runtime exited with error: signal: ${signal}`;
  return code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}

/**
 * What Lambda sets, and nothing of this machine's environment but PATH: a developer's own credentials and configuration
 * files must not reach the function.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
function environmentOf(options: ProcessOptions): NodeJS.ProcessEnv {
  const { definition, region } = options;
  return {
    ...definition.environment,
    PATH: process.env.PATH,
    TZ: ':UTC',
    _HANDLER: definition.handler,
    LAMBDA_TASK_ROOT: options.folder,
    AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL: options.endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: definition.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: options.logStream,
    AWS_LAMBDA_LOG_FORMAT: definition.logFormat,
    ...(definition.logFormat === 'JSON' && { AWS_LAMBDA_LOG_LEVEL: definition.applicationLogLevel }),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LOCAL_LAMBDA_FUNCTION_ARN: definition.arn,
  };
}
