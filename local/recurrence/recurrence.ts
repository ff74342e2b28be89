/**
 * When something that is scheduled runs: the expressions that rules and schedules of EventBridge have in common, in UTC.
 * Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html,
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
import { parseCron } from './cron.ts';

export interface Recurrence {
  /** As declared, such as `rate(5 minutes)`. */
  readonly expression: string;
  /**
   * The first time after `afterMs`, epoch milliseconds; undefined when none is left.
   * @param startMs when its time began: what a rate counts from
   */
  readonly next: (afterMs: number, startMs: number) => number | undefined;
}

const UNITS_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * @example parseRecurrence('rate(1 minute)').next(0, 0) // 60_000
 * @throws Error with what was received and what is allowed
 */
export function parseRecurrence(expression: string): Recurrence {
  const [, fields] = /^cron\((.*)\)$/.exec(expression) ?? [];
  if (fields !== undefined) return { expression, next: parseCron(fields) };
  const intervalMs = parseRate(expression);
  return {
    expression,
    next: (afterMs, startMs) => startMs + (Math.floor((afterMs - startMs) / intervalMs) + 1) * intervalMs,
  };
}

function parseRate(expression: string): number {
  const [, digits = '', unit = '', plural] = /^rate\(([1-9]\d{0,8}) +(minute|hour|day)(s?)\)$/.exec(expression) ?? [];
  const unitMs = UNITS_MS[unit];
  // EventBridge, too, takes `1 minute` and `2 minutes` only.
  if (unitMs !== undefined && (digits === '1') === (plural === '')) return Number(digits) * unitMs;
  const allowed = 'rate(1 minute), rate(n minutes), and the same of hours and days; cron(…) of six fields';
  throw new Error(`ScheduleExpression: ${allowed}; received ${JSON.stringify(expression)}`);
}
