/**
 * One time of a schedule: its message goes to the queue, again when that fails, and to the dead-letter queue in the end.
 * Sources: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html,
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Queues } from '../ports.ts';
import { AwsError } from '../service.ts';
import type { ScheduleDefinition } from './schedule-definition.ts';

export interface InvocationPorts {
  readonly queues: Pick<Queues, 'send'>;
  readonly clock: Clock;
  /** Gets one line for each message that no queue took. */
  readonly warn: (line: string) => void;
}

/** What AWS calls the backoff is not documented: doubled from a second, five minutes at most. */
const BACKOFF_MS = 1_000;
const BACKOFF_MS_MAX = 300_000;

/** @param dueMs the time that was due, epoch milliseconds */
export async function invoke(schedule: ScheduleDefinition, dueMs: number, ports: InvocationPorts): Promise<void> {
  const { target } = schedule;
  const startMs = ports.clock.now();

  async function attempt(number: number): Promise<void> {
    const executionId = randomUUID().replaceAll('-', '').slice(0, 16);
    const context: Readonly<Record<string, string>> = {
      'schedule-arn': schedule.arn,
      'scheduled-time': timeText(dueMs),
      'execution-id': executionId,
      'attempt-number': String(number),
    };
    const body = target.input.replace(/<aws\.scheduler\.([a-z-]+)>/g, (keyword, name) => context[name] ?? keyword);
    try {
      await ports.queues.send(target.arn, body);
    } catch (error) {
      const condition = exhausted(error, number);
      if (condition !== undefined) return bury(body, error, { number, condition, executionId });
      // It was promised, unlike the next time of the schedule: a drain waits for it.
      ports.clock.after(backoffMs(number), () => void attempt(number + 1));
    }
  }

  /** Which condition ended the retries; `''` for a message that is refused for what it is, and not tried again. */
  function exhausted(error: unknown, number: number): string | undefined {
    if (error instanceof AwsError && error.status < 500) return '';
    if (number > target.retriesMax) return 'MaximumRetryAttempts';
    const nextMs = ports.clock.now() + backoffMs(number);
    return nextMs - startMs > target.eventAgeMsMax ? 'MaximumEventAgeInSeconds' : undefined;
  }

  async function bury(
    body: string,
    error: unknown,
    last: { readonly number: number; readonly condition: string; readonly executionId: string },
  ): Promise<void> {
    const code = error instanceof AwsError ? error.code : 'InternalFailure';
    const message = Error.isError(error) ? error.message : String(error);
    const lost = (reason: string): void => ports.warn(`${schedule.arn} to ${target.arn}: ${reason}; lost: ${body}`);
    if (target.deadLetterArn === undefined) return lost(`${code}: ${message}`);
    try {
      await ports.queues.send(target.deadLetterArn, body, {
        ERROR_CODE: code,
        ERROR_MESSAGE: message || code,
        EXECUTION_ID: last.executionId,
        ...(last.condition !== '' && { EXHAUSTED_RETRY_CONDITION: last.condition }),
        IS_PAYLOAD_TRUNCATED: 'false',
        RETRY_ATTEMPTS: String(last.number - 1),
        SCHEDULED_TIME: timeText(dueMs),
        SCHEDULE_ARN: schedule.arn,
        TARGET_ARN: target.arn,
      });
    } catch (refusal) {
      lost(`${code}: ${message}, and ${target.deadLetterArn}: ${String(refusal)}`);
    }
  }

  await attempt(1);
}

function backoffMs(number: number): number {
  return Math.min(BACKOFF_MS * 2 ** (number - 1), BACKOFF_MS_MAX);
}

/** To the second, as AWS gives it. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
