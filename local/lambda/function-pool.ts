/**
 * A function: its processes and its log. Processes start when an invocation needs one, are used again, and run one
 * invocation at a time each; as many as the template reserves, or at most `PROCESSES_MAX`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { LambdaFaults } from '../faults/lambda-faults.ts';
import type { LogSink } from '../ports.ts';
import type { Environment } from '../service.ts';
import type { FunctionDefinition } from './function-definition.ts';
import { FunctionProcess, type ProcessOutcome } from './function-process.ts';
import { endLines, startLine } from './platform-lines.ts';

export interface Invocation {
  /** JSON text as a caller sent it, or an event made here. */
  readonly payload: string | object;
  /** Wait for a free process where Lambda would throttle: what its queue of asynchronous invocations does. */
  readonly waits?: boolean;
}

export type InvocationOutcome =
  | { readonly kind: 'returned'; readonly payload: string; readonly requestId: string; readonly log: string }
  /** `payload` is the error object as JSON text. */
  | {
      readonly kind: 'failed';
      readonly functionError: 'Unhandled';
      readonly payload: string;
      readonly requestId: string;
      readonly log: string;
    }
  | { readonly kind: 'throttled'; readonly message: string; readonly requestId: string };

export interface FunctionPoolOptions {
  readonly definition: FunctionDefinition;
  readonly folder: string;
  readonly environment: Environment;
  readonly logs: LogSink;
  readonly faults: LambdaFaults;
}

/** Processes of a function that reserves no concurrency: this machine's limit, not Lambda's (1,000 an account). */
const PROCESSES_MAX = 10;
/** Bytes of log that an answer may carry. Source: lambda/latest/api/API_Invoke.html, LogType */
const LOG_TAIL_BYTES = 4_096;
const STOPPING = 'The local Lambda is stopping.';

interface Slot {
  readonly process: FunctionProcess;
  readonly logStream: string;
  /** No invocation has run in it yet. */
  isCold: boolean;
  /** The log of the invocation under way. */
  lines: string[];
}

export class FunctionPool {
  readonly definition: FunctionDefinition;
  readonly #options: FunctionPoolOptions;
  readonly #free: Slot[] = [];
  readonly #slots = new Set<Slot>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #stopped = false;

  constructor(options: FunctionPoolOptions) {
    this.#options = options;
    this.definition = options.definition;
  }

  get running(): number {
    return this.#running;
  }

  /** Never rejects for what a function does. */
  async invoke(invocation: Invocation): Promise<InvocationOutcome> {
    const requestId = randomUUID();
    const { reservedConcurrency } = this.definition;
    if (this.#stopped) return { kind: 'throttled', requestId, message: STOPPING };
    if (reservedConcurrency === 0 || (this.#isFull() && reservedConcurrency !== undefined && !invocation.waits)) {
      return { kind: 'throttled', requestId, message: 'Rate Exceeded.' };
    }
    while (this.#isFull()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#stopped) return { kind: 'throttled', requestId, message: STOPPING };
    this.#running += 1;
    const slot = this.#takeFree() ?? this.#open();
    try {
      return await this.#run(slot, invocation, requestId);
    } finally {
      this.#running -= 1;
      if (slot.process.ended) this.#slots.delete(slot);
      else this.#free.push(slot);
      this.#waiting.shift()?.();
    }
  }

  /** Ends the function's processes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#slots].map((slot) => slot.process.stop()));
  }

  #isFull(): boolean {
    return this.#running >= (this.definition.reservedConcurrency ?? PROCESSES_MAX);
  }

  /** A process may have ended by itself since its last invocation. */
  #takeFree(): Slot | undefined {
    for (let slot = this.#free.pop(); slot; slot = this.#free.pop()) {
      if (!slot.process.ended) return slot;
      this.#slots.delete(slot);
    }
    return undefined;
  }

  #open(): Slot {
    const { definition, environment, folder } = this.#options;
    const day = new Date(environment.clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    const logStream = `${day}/[$LATEST]${randomBytes(16).toString('hex')}`;
    const process = new FunctionProcess({
      definition,
      folder,
      region: environment.region,
      endpoint: environment.endpoint,
      logStream,
      print: (message) => this.#print(slot, message),
    });
    const slot: Slot = { process, logStream, isCold: true, lines: [] };
    this.#slots.add(slot);
    return slot;
  }

  async #run(slot: Slot, invocation: Invocation, requestId: string): Promise<InvocationOutcome> {
    const { definition, faults, environment } = this.#options;
    const { clock } = environment;
    const { isCold } = slot;
    slot.isCold = false;
    slot.lines = [];
    const initStartedAt = performance.now();
    const initError = await slot.process.ready();
    const initMs = performance.now() - initStartedAt;
    const start = startLine(definition, requestId, clock.now());
    if (start !== undefined) this.#print(slot, start);
    const startedAt = performance.now();
    const cancelFault = faults.arm(definition.name, () => slot.process.kill());
    const outcome: ProcessOutcome = initError
      ? { kind: 'failed', error: initError, memoryBytes: 0 }
      : await slot.process.invoke({
          requestId,
          payload: invocation.payload,
          timeoutMs: definition.timeoutMs,
          traceId: traceId(clock.now()),
        });
    cancelFault();
    if (initError) slot.process.kill();
    const durationMs = performance.now() - startedAt;
    const finished = {
      requestId,
      nowMs: clock.now(),
      durationMs,
      initMs: isCold ? initMs : undefined,
      memoryBytes: outcome.memoryBytes,
      error: outcome.kind === 'failed' ? outcome.error : undefined,
    };
    for (const line of endLines(definition, finished)) this.#print(slot, line);
    const log = tail(slot.lines);
    return outcome.kind === 'returned'
      ? { kind: 'returned', payload: outcome.payload, requestId, log }
      : { kind: 'failed', functionError: 'Unhandled', payload: JSON.stringify(outcome.error), requestId, log };
  }

  #print(slot: Slot, message: string): void {
    slot.lines.push(message);
    const timestampMs = this.#options.environment.clock.now();
    this.#options.logs.write(this.definition.logGroup, slot.logStream, [{ timestampMs, message }]);
  }
}

function tail(lines: readonly string[]): string {
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  return bytes.subarray(Math.max(0, bytes.length - LOG_TAIL_BYTES)).toString('utf8');
}

function traceId(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(8, '0');
  return `Root=1-${seconds}-${randomBytes(12).toString('hex')};Parent=${randomBytes(8).toString('hex')};Sampled=0`;
}
