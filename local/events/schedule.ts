/**
 * When a rule with a schedule runs. Its time begins when the rule is made, here at each start, and it first runs one interval
 * later.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
 */
import type { Clock, Timer } from '../clock.ts';

export interface Schedule {
  /** As declared, such as `rate(5 minutes)`. */
  readonly expression: string;
  readonly intervalMs: number;
}

const UNITS_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * @example parseSchedule('rate(1 minute)').intervalMs // 60_000
 * @throws Error with what was received and what is allowed
 */
export function parseSchedule(expression: string): Schedule {
  const [, digits = '', unit = '', plural] = /^rate\(([1-9]\d{0,8}) +(minute|hour|day)(s?)\)$/.exec(expression) ?? [];
  const unitMs = UNITS_MS[unit];
  // EventBridge, too, takes `1 minute` and `2 minutes` only.
  if (unitMs !== undefined && (digits === '1') === (plural === '')) {
    return { expression, intervalMs: Number(digits) * unitMs };
  }
  const allowed = 'rate(1 minute), rate(n minutes), and the same of hours and days; cron is not run locally';
  throw new Error(`ScheduleExpression: ${allowed}; received ${JSON.stringify(expression)}`);
}

/**
 * Runs on the clock until it is cancelled. It returns for ever, so it is upkeep. A clock that is driven past several times
 * runs the latest only.
 * @param run gets the time that was due, epoch milliseconds
 */
export function startSchedule({ intervalMs }: Schedule, clock: Clock, run: (dueMs: number) => void): Timer {
  let timer: Timer;
  const wait = (dueMs: number): void => {
    timer = clock.after(
      dueMs - clock.now(),
      () => {
        const latestMs = dueMs + Math.floor((clock.now() - dueMs) / intervalMs) * intervalMs;
        wait(latestMs + intervalMs);
        run(latestMs);
      },
      'upkeep',
    );
  };
  wait(clock.now() + intervalMs);
  return { cancel: () => timer.cancel() };
}
