/** Reads the settings of a fault switch. Each problem is said with what was received and what is allowed. */
import { z } from 'zod';
import type { FaultSettings } from './faults.ts';

/** What a service can fail at. */
export interface FaultScope {
  /** As in the SigV4 credential scope, such as `kinesis`. */
  readonly scope: string;
  readonly operations: readonly string[];
  /** Operations whose answer can reject entries one by one. */
  readonly batches: readonly string[];
  /** Whether it runs processes that can be killed. */
  readonly kills: boolean;
}

export class InvalidFaultSettings extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidFaultSettings';
  }
}

/** The longest that a request is kept waiting. */
const LATENCY_MS_MAX = 60_000;
const NAMES_MAX = 100;

/** @throws InvalidFaultSettings */
export function parseFaultSettings(given: unknown, service: FaultScope): FaultSettings {
  const parsed = shapeOf(service).safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => [service.scope, ...path].join('.') + message);
    throw new InvalidFaultSettings(problems.join('; '));
  }
  const { partialRate, operations } = parsed.data;
  if (partialRate && operations && !operations.some((name) => service.batches.includes(name))) {
    const allowed = `takes one of ${service.batches.join(', ')} among the operations`;
    throw new InvalidFaultSettings(`${service.scope}.partialRate ${allowed}, received ${shown(operations)}`);
  }
  return parsed.data;
}

function shapeOf({ scope, operations, batches, kills }: FaultScope): z.ZodType<FaultSettings> {
  const members = {
    errorRate: rate,
    throttleRate: rate,
    latencyMs: latency,
    lostAnswerRate: rate,
    partialRate: batches.length > 0 ? rate : absent,
    operations: listOf(`operations of ${scope} (${operations.join(', ')})`, (name) => operations.includes(name)),
    killRate: kills ? rate : absent,
    functions: kills ? listOf('names of functions', (name) => name !== '') : absent,
    seed: allowing('a whole number', (value): value is number => Number.isSafeInteger(value)),
  };
  const allowed = Object.entries(members).flatMap(([name, shape]) => (shape === absent ? [] : [name]));
  return z.strictObject(members, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? ` has no ${issue.keys.join(', ')}: allowed are ${allowed.join(', ')}`
        : `: an object of ${allowed.join(', ')} is allowed, received ${shown(issue.input)}`,
  });
}

/** A member that other services have. */
const absent = z.undefined({ error: ': this service has no such fault' }).optional();

function allowing<Value>(allowed: string, isAllowed: (value: unknown) => value is Value) {
  return z
    .custom<Value>(isAllowed, { error: ({ input }) => `: ${allowed} is allowed, received ${shown(input)}` })
    .optional();
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

const between = (value: unknown, most: number): value is number =>
  typeof value === 'number' && value >= 0 && value <= most;

const rate = allowing('a number from 0 to 1', (value): value is number => between(value, 1));

const Range = z.strictObject({ min: z.number().min(0), max: z.number().max(LATENCY_MS_MAX) });

const latency = allowing(
  `a number of milliseconds from 0 to ${LATENCY_MS_MAX}, or {"min", "max"} of such,`,
  (value): value is number | z.infer<typeof Range> => {
    if (between(value, LATENCY_MS_MAX)) return true;
    const range = Range.safeParse(value);
    return range.success && range.data.min <= range.data.max;
  },
);

function listOf(what: string, isKnown: (name: string) => boolean) {
  const isList = (value: unknown): value is readonly string[] =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= NAMES_MAX &&
    value.every((name) => typeof name === 'string' && isKnown(name));
  return allowing(`a list of 1 to ${NAMES_MAX} ${what}`, isList);
}
