/**
 * What Lambda itself writes to a function's log around an invocation, in the function's log format.
 * Sources: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html and telemetry-schema-reference.html
 */
import type { FunctionDefinition } from './function-definition.ts';
import type { FunctionError } from './process-messages.ts';

export interface FinishedInvocation {
  readonly requestId: string;
  readonly nowMs: number;
  readonly durationMs: number;
  /** For the first invocation of a process. */
  readonly initMs: number | undefined;
  /** 0 when the process ended before it could tell. */
  readonly memoryBytes: number;
  readonly error: FunctionError | undefined;
}

const MEGABYTE = 1024 * 1024;

export function startLine(definition: FunctionDefinition, requestId: string, nowMs: number): string | undefined {
  if (definition.logFormat === 'Text') return `START RequestId: ${requestId} Version: $LATEST`;
  if (definition.systemLogLevel === 'WARN') return undefined;
  return platformEvent('platform.start', nowMs, { requestId, version: '$LATEST' });
}

/** What a function could not print itself, because it was ended from outside; then END and REPORT. */
export function endLines(definition: FunctionDefinition, finished: FinishedInvocation): readonly string[] {
  const { error, requestId, nowMs } = finished;
  const lines: string[] = [];
  if (error?.errorType === 'Sandbox.Timedout' || error?.errorType === 'Runtime.ExitError') {
    const reason = error.errorMessage.replace(/^RequestId: \S+ Error: /, '');
    lines.push(`${new Date(nowMs).toISOString()} ${requestId} ${reason}`);
  }
  if (definition.logFormat === 'Text') {
    lines.push(`END RequestId: ${requestId}`, textReport(definition, finished));
  } else if (error || definition.systemLogLevel !== 'WARN') {
    lines.push(platformEvent('platform.report', nowMs, jsonReport(definition, finished)));
  }
  return lines;
}

function statusOf(error: FunctionError | undefined): 'success' | 'timeout' | 'error' {
  if (!error) return 'success';
  return error.errorType === 'Sandbox.Timedout' ? 'timeout' : 'error';
}

function textReport(definition: FunctionDefinition, finished: FinishedInvocation): string {
  const { durationMs, initMs, memoryBytes, error, requestId } = finished;
  const status = statusOf(error);
  const parts = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs)} ms`,
    `Memory Size: ${definition.memoryMb} MB`,
    `Max Memory Used: ${Math.ceil(memoryBytes / MEGABYTE)} MB`,
  ];
  if (initMs !== undefined) parts.push(`Init Duration: ${initMs.toFixed(2)} ms`);
  if (status !== 'success') parts.push(`Status: ${status}`);
  if (status === 'error') parts.push(`Error Type: ${error?.errorType}`);
  return `${parts.join('\t')}\t`;
}

function jsonReport(definition: FunctionDefinition, finished: FinishedInvocation): object {
  const { durationMs, initMs, memoryBytes, error, requestId } = finished;
  const status = statusOf(error);
  return {
    requestId,
    metrics: {
      durationMs: round(durationMs),
      billedDurationMs: Math.ceil(durationMs),
      memorySizeMB: definition.memoryMb,
      maxMemoryUsedMB: Math.ceil(memoryBytes / MEGABYTE),
      ...(initMs !== undefined && { initDurationMs: round(initMs) }),
    },
    status,
    ...(status === 'error' && { errorType: error?.errorType }),
  };
}

function round(ms: number): number {
  return Number(ms.toFixed(3));
}

function platformEvent(type: string, nowMs: number, record: object): string {
  return JSON.stringify({ time: new Date(nowMs).toISOString(), type, record });
}
