/**
 * Runs inside a function's own process: loads the handler that `_HANDLER` names from `LAMBDA_TASK_ROOT` and calls it
 * with each event that the parent sends, one at a time. It stands in for the Node.js 24 runtime of Lambda
 * (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html): handlers are async, callbacks are refused.
 *
 * Started by function-process.ts only. Everything that JavaScript prints goes to standard output, in order; standard
 * error is left to Node itself.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { captureConsole } from './console-lines.ts';
import { type FunctionError, type InvokeMessage, outputEnd, type ProcessMessage } from './process-messages.ts';

type Handler = (event: unknown, context: object) => unknown;

/** Bytes of a synchronous response. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const RESPONSE_BYTES_MAX = 6_291_556;
/** Lambda's exit status after an uncaught error. */
const EXIT_UNCAUGHT = 129;

let requestId = '';

// One channel keeps the order of what is printed. Only Node itself still writes to the real standard error.
Object.defineProperty(process, 'stderr', { get: () => process.stdout, configurable: true });
captureConsole(() => requestId);
process.on('uncaughtException', (error, origin) => {
  const isRejection = origin === 'unhandledRejection';
  console.error(isRejection ? 'Unhandled Promise Rejection' : 'Uncaught Exception', error);
  const shaped = describeError(error);
  endWith({
    kind: 'threw',
    requestId,
    error: isRejection ? { ...shaped, errorType: 'Runtime.UnhandledPromiseRejection' } : shaped,
    memoryBytes: memoryBytes(),
    ends: true,
  });
});
process.on('disconnect', () => process.exit(0));

try {
  const handler = await loadHandler();
  process.on('message', (message: InvokeMessage) => void invoke(handler, message));
  send({ kind: 'ready' });
} catch (error) {
  console.error('Init failed', error);
  endWith({ kind: 'initFailed', error: describeError(error) });
}

async function loadHandler(): Promise<Handler> {
  const root = process.env.LAMBDA_TASK_ROOT ?? '';
  const name = process.env._HANDLER ?? '';
  const dot = name.lastIndexOf('.');
  const [moduleName, exportName] = [name.slice(0, dot), name.slice(dot + 1)];
  if (dot <= 0) throw runtimeError('MalformedHandlerName', `Handler is <file>.<export>, received "${name}".`);
  const file = ['.js', '.mjs', '.cjs'].map((end) => path.join(root, moduleName + end)).find((each) => existsSync(each));
  if (!file) throw runtimeError('ImportModuleError', `No ${moduleName}.js, .mjs or .cjs in ${root}.`);
  const loaded: unknown = file.endsWith('.cjs')
    ? createRequire(file)(file)
    : await import(pathToFileURL(file).toString());
  const handler = member(loaded, exportName) ?? member(member(loaded, 'default'), exportName);
  if (typeof handler !== 'function') {
    throw runtimeError('HandlerNotFound', `${path.basename(file)} exports no function "${exportName}".`);
  }
  if (handler.length >= 3) {
    throw runtimeError(
      'CallbackHandlerDeprecated',
      'Node.js 24 functions take (event, context) and return a promise; callbacks are not called.',
    );
  }
  return (event, context) => handler(event, context);
}

function member(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  return Reflect.get(value, name);
}

async function invoke(handler: Handler, message: InvokeMessage): Promise<void> {
  requestId = message.requestId;
  process.env._X_AMZN_TRACE_ID = message.traceId;
  const deadlineMs = Date.now() + message.timeoutMs;
  try {
    const event: unknown = typeof message.payload === 'string' ? JSON.parse(message.payload) : message.payload;
    const payload = serialize(await handler(event, contextOf(message, deadlineMs)));
    finish({ kind: 'returned', requestId: message.requestId, payload, memoryBytes: memoryBytes() });
  } catch (error) {
    const shaped = describeError(error);
    console.error('Invoke Error', JSON.stringify(shaped));
    finish({ kind: 'threw', requestId: message.requestId, error: shaped, memoryBytes: memoryBytes(), ends: false });
  }
}

function contextOf(message: InvokeMessage, deadlineMs: number): object {
  const { env } = process;
  return {
    awsRequestId: message.requestId,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: env.LOCAL_LAMBDA_FUNCTION_ARN,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function serialize(result: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(result) ?? 'null';
  } catch (error) {
    throw runtimeError(
      'MarshalError',
      `The function's result cannot be written as JSON: ${describeError(error).errorMessage}`,
    );
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= RESPONSE_BYTES_MAX) return text;
  const message = `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (${RESPONSE_BYTES_MAX} bytes).`;
  throw Object.assign(new Error(message), { name: 'Function.ResponseSizeTooLarge' });
}

function runtimeError(type: string, message: string): Error {
  return Object.assign(new Error(message), { name: `Runtime.${type}` });
}

function describeError(error: unknown): FunctionError {
  if (!Error.isError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function memoryBytes(): number {
  return process.memoryUsage.rss();
}

function send(message: ProcessMessage, sent?: () => void): void {
  process.send?.(message, undefined, undefined, sent);
}

/** The parent waits for the mark, so that a report never precedes what the function printed. */
function finish(message: ProcessMessage, sent?: () => void): void {
  if (requestId !== '') process.stdout.write(`${outputEnd(requestId)}\n`);
  send(message, sent);
}

function endWith(message: ProcessMessage): void {
  finish(message, () => process.exit(EXIT_UNCAUGHT));
}
