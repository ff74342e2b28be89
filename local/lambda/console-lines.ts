/**
 * Inside a function's process: `console` as Lambda's Node.js runtime has it. Text lines are time, request id, level and
 * message, separated by tabs; JSON lines hold the same, are left out below the function's application log level, and spell
 * out errors. Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
 */
import { format } from 'node:util';
import { LINE_BREAK_INSIDE } from './process-messages.ts';

/** From the least severe on. */
const LEVELS: readonly string[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** @param requestId gives the id of the invocation under way, '' before the first */
export function captureConsole(requestId: () => string): void {
  const isJson = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  const lowest = isJson ? LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO') : 0;
  const print =
    (level: string) =>
    (...parts: unknown[]): void => {
      if (LEVELS.indexOf(level) < lowest) return;
      const timestamp = new Date().toISOString();
      const line = isJson
        ? jsonLine({ timestamp, level, requestId: requestId() }, parts)
        : `${timestamp}\t${requestId() || 'undefined'}\t${level}\t${format(...parts)}`;
      process.stdout.write(`${line.replaceAll('\n', LINE_BREAK_INSIDE)}\n`);
    };
  Object.assign(console, {
    log: print('INFO'),
    info: print('INFO'),
    warn: print('WARN'),
    error: print('ERROR'),
    debug: print('DEBUG'),
    trace: print('TRACE'),
  });
}

function jsonLine(frame: object, parts: readonly unknown[]): string {
  if (parts.length === 1) {
    try {
      return JSON.stringify({ ...frame, message: parts[0] }, (_key, value: unknown) => spellOut(value) ?? value);
    } catch {
      // What JSON cannot hold (circular, bigint) is formatted as text below.
    }
  }
  const error = parts.map(spellOut).find((each) => each !== undefined);
  return JSON.stringify({ ...frame, message: format(...parts), ...error });
}

function spellOut(value: unknown): object | undefined {
  if (!Error.isError(value)) return undefined;
  return { errorType: value.name, errorMessage: value.message, stackTrace: (value.stack ?? '').split('\n') };
}
