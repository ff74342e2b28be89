/**
 * Runs a real handler as Lambda would: in processes that start cold, are used again, run out of time, and die at any
 * await. Whatever a dead process still had on its way may take effect or not; it is never told, and begins nothing more.
 */
import type { InvocationResult } from '../../local/lambda/shard-state.ts';
import type { Conditions } from './conditions.ts';
import type { Random } from './random.ts';
import { Violation } from './violation.ts';

/** One call through a port. */
export interface PortCall<Value> {
  /** For the trace. */
  readonly name: string;
  /** Of each way, milliseconds. */
  readonly latencyMs: number;
  /** What it does to the world, when it arrives. */
  readonly effect: () => Promise<Value> | Value;
  /** It is refused with this, and has no effect. */
  readonly refusal?: Error | undefined;
  /** It has its effect, and is answered with this. */
  readonly answerLost?: Error | undefined;
  /** It is not answered at all. */
  readonly isSilent?: boolean;
}

export interface Invocation<Input> {
  readonly requestId: string;
  readonly input: Input;
  readonly process: SimulatedProcess<Input>;
  /** Returned while the process was alive. */
  isAnswered: boolean;
  /** Why what it did may be done again without a fault of the code; undefined: there is no reason. */
  mayRepeat: string | undefined;
  /** Firehose took some of a call's records, and some not: those after the first that it did not take come again. */
  isTakenInPart: boolean;
  /** A call to Firehose was not answered: what it held may have been taken. */
  isDeliveryUnanswered: boolean;
}

export interface SimulatedProcess<Input> {
  readonly id: number;
  readonly version: number;
  isDead: boolean;
  /** The one that it works at, or worked at last. */
  invocation: Invocation<Input> | undefined;
  /** Epoch milliseconds, by its own clock. */
  now(): number;
  /** Never returns once the process is dead. */
  sleep(delayMs: number): Promise<void>;
  call<Value>(call: PortCall<Value>): Promise<Value>;
  die(reason: string): void;
}

export type SimulatedHandler<Input> = (
  input: Input,
  context: { readonly awsRequestId: string; readonly getRemainingTimeInMillis: () => number },
) => Promise<unknown>;

export interface FunctionHostOptions<Input> {
  readonly name: string;
  readonly conditions: Conditions;
  readonly timeoutMs: number;
  /** Default: none is meant to be, and one is a broken promise. */
  readonly isExpected?: (error: unknown) => boolean;
  /** Starts a process. */
  readonly start: (process: SimulatedProcess<Input>) => SimulatedHandler<Input>;
  /** Called when a process is about to begin. */
  readonly onInvoke: (invocation: Invocation<Input>) => void;
  /** Called when a handler has returned, before anyone is told. */
  readonly onAnswer: (invocation: Invocation<Input>, answer: unknown) => void;
}

export interface FunctionHost<Input> {
  readonly invocations: readonly Invocation<Input>[];
  /** @param end called once with what the caller is told */
  invoke(input: Input, end: (result: InvocationResult) => void): void;
  /** Processes that start from now on are of a new version. */
  deploy(): void;
}

const COLD_START_MS = 200;
const SKEW_MS_MAX = 120_000;
/** What a process that is taken for dead works on, at most. */
const ZOMBIE_MS_MAX = 20_000;

export function createFunctionHost<Input>(options: FunctionHostOptions<Input>): FunctionHost<Input> {
  const { name, conditions, timeoutMs } = options;
  const { time, say } = conditions;
  const random = conditions.random(name);
  const invocations: Invocation<Input>[] = [];
  const idle: { readonly process: SimulatedProcess<Input>; readonly handler: SimulatedHandler<Input> }[] = [];
  let version = 0;
  let processes = 0;

  function startProcess() {
    const process = createProcess<Input>(processes++, version, conditions, random);
    return { process, handler: options.start(process) };
  }

  function takeProcess() {
    const isCold = conditions.befalls('coldStart');
    for (let warm = idle.pop(); warm !== undefined; warm = idle.pop()) {
      if (!isCold && !warm.process.isDead && warm.process.version === version) return { ...warm, delayMs: 0 };
    }
    return { ...startProcess(), delayMs: COLD_START_MS };
  }

  function run(input: Input, end: (result: InvocationResult) => void): void {
    const { process, handler, delayMs } = takeProcess();
    const requestId = `${name}-${invocations.length}`;
    const invocation: Invocation<Input> = {
      requestId,
      input,
      process,
      isAnswered: false,
      mayRepeat: undefined,
      isTakenInPart: false,
      isDeliveryUnanswered: false,
    };
    invocations.push(invocation);
    process.invocation = invocation;
    options.onInvoke(invocation);
    let isEnded = false;

    function finish(result: InvocationResult): void {
      if (isEnded) return;
      isEnded = true;
      end(result);
    }
    function giveUp(reason: string): void {
      if (isEnded) return;
      invocation.mayRepeat ??= reason;
      say(() => `${requestId} failed: ${reason}`);
      finish({ kind: 'failed', functionError: 'Unhandled' });
    }

    time.after(delayMs, () => {
      say(() => `${requestId} begins in process ${process.id}, version ${process.version}`);
      const deadlineMs = time.now() + timeoutMs;
      const cancelTimeout = time.after(timeoutMs, () => process.die('timed out'));
      process.die = (reason) => {
        if (process.isDead || invocation.isAnswered) return;
        process.isDead = true;
        cancelTimeout();
        giveUp(reason);
      };
      if (conditions.befalls('zombie')) {
        const delay = random.int(1, timeoutMs / 4);
        time.after(delay, () => giveUp('it is taken for dead, and works on'));
        time.after(delay + random.int(1, ZOMBIE_MS_MAX), () => process.die('found out'));
      }
      const context = { awsRequestId: requestId, getRemainingTimeInMillis: () => deadlineMs - time.now() };
      handler(input, context).then(
        (answer) => {
          if (process.isDead) return;
          cancelTimeout();
          invocation.isAnswered = true;
          idle.push({ process, handler });
          say(() => `${requestId} answers ${JSON.stringify(answer)}`);
          options.onAnswer(invocation, answer);
          if (conditions.befalls('invocationAnswerLost')) giveUp('its answer is lost');
          else finish({ kind: 'returned', payload: JSON.stringify(answer) ?? 'null' });
        },
        (error: unknown) => {
          if (process.isDead) return;
          if (options.isExpected?.(error)) {
            cancelTimeout();
            invocation.isAnswered = true;
            idle.push({ process, handler });
            giveUp(String(error));
          } else conditions.fail(new Violation('no handler throws', `${requestId}: ${describe(error)}`));
        },
      );
    });
  }

  return {
    invocations,
    invoke(input, end) {
      if (conditions.isAway('invocations') || conditions.befalls('invocationThrottled')) {
        time.after(random.int(1, 50), () => end({ kind: 'unavailable' }));
      } else run(input, end);
    },
    deploy() {
      version += 1;
    },
  };
}

function createProcess<Input>(
  id: number,
  version: number,
  conditions: Conditions,
  random: Random,
): SimulatedProcess<Input> {
  const { time, say } = conditions;
  const skewMs = conditions.befalls('clockSkewed') ? random.int(-SKEW_MS_MAX, SKEW_MS_MAX) : 0;
  const process: SimulatedProcess<Input> = {
    id,
    version,
    isDead: false,
    invocation: undefined,
    now: () => time.now() + skewMs,
    sleep: (delayMs) =>
      new Promise((resolve) =>
        time.after(delayMs, () => {
          if (!process.isDead) resolve();
        }),
      ),
    die() {
      process.isDead = true;
    },
    call(call) {
      const { latencyMs } = call;
      return new Promise((resolve, reject) => {
        if (process.isDead) return;
        const requestId = process.invocation?.requestId;
        if (conditions.befalls('killed')) {
          time.after(random.next() * 2 * latencyMs, () => process.die(`killed during ${call.name}`));
        }
        const answer = (settle: () => void) =>
          time.after(latencyMs, () => {
            if (!process.isDead) settle();
          });
        time.after(latencyMs, () => {
          // It may have left the process before that died.
          if (process.isDead && random.chance(0.5)) return;
          if (call.refusal !== undefined) {
            say(() => `${requestId} ${call.name}: refused, ${call.refusal?.name}`);
            answer(() => reject(call.refusal));
            return;
          }
          say(() => `${requestId} ${call.name}${call.answerLost || call.isSilent ? ': done, and not answered' : ''}`);
          Promise.resolve()
            .then(call.effect)
            .then(
              (value) => {
                if (call.isSilent) return;
                answer(() => (call.answerLost === undefined ? resolve(value) : reject(call.answerLost)));
              },
              (error: unknown) => {
                if (error instanceof Violation) conditions.fail(error);
                answer(() => reject(call.answerLost ?? error));
              },
            );
        });
      });
    },
  };
  return process;
}

function describe(error: unknown): string {
  return Error.isError(error) ? (error.stack ?? error.message) : String(error);
}
