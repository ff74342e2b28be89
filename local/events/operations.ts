/**
 * The operations of EventBridge that are served.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
 */
import { z } from 'zod';
import { faultError } from '../faults/fault-errors.ts';
import { type Operation, operation } from '../protocol/json.ts';
import { AwsError } from '../service.ts';
import type { Rule } from './rule-definition.ts';

export interface NewEvent {
  readonly source: string;
  readonly detailType: string;
  readonly resources: readonly string[];
  readonly detail: object;
  /** Epoch milliseconds. Default: now. */
  readonly timeMs?: number;
}

export interface OperationsOptions {
  readonly account: string;
  readonly rules: ReadonlyMap<string, Rule>;
  /** Gives the id of the event. @throws Error when a queue did not take it */
  readonly publish: (event: NewEvent) => Promise<string>;
  /** True when an entry of PutEvents is to be rejected. */
  readonly rejects: () => boolean;
}

const BUS = 'default';
const PAGE_ITEMS_MAX = 100;
const ENTRIES_MAX = 10;
/** Of all entries together: https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html */
const ENTRIES_BYTES_MAX = 256 * 1024;
const TIME_BYTES = 14;

const putEntry = z.object({
  Source: z.string().default(''),
  DetailType: z.string().default(''),
  Detail: z.string().default(''),
  Resources: z.array(z.string()).default([]),
  /** Epoch seconds. */
  Time: z.number().optional(),
  EventBusName: z.string().default(BUS),
});
type PutEntry = z.infer<typeof putEntry>;
const putInput = z.object({ Entries: z.array(putEntry).min(1).max(ENTRIES_MAX) });

const inBus = { EventBusName: z.string().default(BUS) };
const page = {
  Limit: z.number().int().min(1).max(PAGE_ITEMS_MAX).default(PAGE_ITEMS_MAX),
  NextToken: z.string().optional(),
};
const listRulesInput = z.object({ ...inBus, ...page, NamePrefix: z.string().default('') });
const describeInput = z.object({ ...inBus, Name: z.string() });
const listTargetsInput = z.object({ ...inBus, ...page, Rule: z.string() });

export function eventOperations(options: OperationsOptions): Readonly<Record<string, Operation>> {
  const { rules, account } = options;

  function find(name: string, bus: string): Rule {
    checkBus(bus);
    const rule = rules.get(name);
    if (rule) return rule;
    throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${BUS}.`);
  }

  return {
    PutEvents: operation(putInput, async ({ Entries }) => {
      const bytes = Entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
      if (bytes >= ENTRIES_BYTES_MAX) {
        const limit = `${bytes} bytes, fewer than ${ENTRIES_BYTES_MAX} are allowed`;
        throw new AwsError(
          'ValidationException',
          `Total size of the entries in the request is over the limit: ${limit}.`,
        );
      }
      const results = await Promise.all(Entries.map((entry) => put(entry, options)));
      return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
    }),
    ListRules: operation(listRulesInput, (input) => {
      checkBus(input.EventBusName);
      const found = [...rules.values()].filter(({ name }) => name.startsWith(input.NamePrefix));
      const { items, NextToken } = pageOf(found.toSorted(byName), input);
      return { Rules: items.map(ruleAnswer), NextToken };
    }),
    DescribeRule: operation(describeInput, (input) => ({
      ...ruleAnswer(find(input.Name, input.EventBusName)),
      CreatedBy: account,
    })),
    ListTargetsByRule: operation(listTargetsInput, (input) => {
      const { items, NextToken } = pageOf(find(input.Rule, input.EventBusName).targets, input);
      return { Targets: items.map(({ id, arn }) => ({ Id: id, Arn: arn })), NextToken };
    }),
  };
}

async function put(
  entry: PutEntry,
  { publish, rejects }: Pick<OperationsOptions, 'publish' | 'rejects'>,
): Promise<object> {
  const { Source, DetailType, Resources, Time } = entry;
  const refused = (code: string, message: string): object => ({ ErrorCode: code, ErrorMessage: message });
  if (!isBus(entry.EventBusName)) return refused('InvalidArgument', `There is the ${BUS} bus only.`);
  if (Source === '')
    return refused('InvalidArgument', 'Parameter Source is not valid. Reason: Source is a required argument.');
  if (Source.startsWith('aws.')) {
    return refused(
      'NotAuthorizedForSourceException',
      `Not authorized for the source ${Source}: AWS services alone are.`,
    );
  }
  if (DetailType === '') {
    return refused('InvalidArgument', 'Parameter DetailType is not valid. Reason: DetailType is a required argument.');
  }
  if (rejects()) return refused('ThrottlingException', faultError('events', 'throttling').message);
  const detail = parseDetail(entry.Detail);
  if (!detail) return refused('MalformedDetail', 'Detail is malformed: it has to be a JSON object.');
  const event = { source: Source, detailType: DetailType, resources: Resources, detail };
  try {
    return { EventId: await publish(Time === undefined ? event : { ...event, timeMs: Time * 1000 }) };
  } catch (error) {
    // The code that tells SDKs and people that the entry can be sent again: API_PutEventsResultEntry.html
    return refused('InternalFailure', String(error));
  }
}

function parseDetail(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf({ Source, DetailType, Detail, Resources, Time }: PutEntry): number {
  const texts = [Source, DetailType, Detail, ...Resources].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return texts + (Time === undefined ? 0 : TIME_BYTES);
}

function isBus(name: string): boolean {
  return name === BUS || /^arn:[^:]+:events:[^:]*:[^:]*:event-bus\/default$/.test(name);
}

function checkBus(name: string): void {
  if (isBus(name)) return;
  throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist: there is the ${BUS} bus only.`);
}

function byName(left: Rule, right: Rule): number {
  return left.name < right.name ? -1 : 1;
}

function ruleAnswer(rule: Rule): object {
  return {
    Name: rule.name,
    Arn: rule.arn,
    ...(rule.trigger.kind === 'event'
      ? { EventPattern: rule.trigger.eventPattern }
      : { ScheduleExpression: rule.trigger.expression }),
    State: rule.isEnabled ? 'ENABLED' : 'DISABLED',
    Description: rule.description,
    EventBusName: BUS,
  };
}

/** The token is the index that the next page begins with. */
function pageOf<Item>(
  all: readonly Item[],
  { Limit, NextToken = '0' }: { readonly Limit: number; readonly NextToken?: string | undefined },
): { readonly items: readonly Item[]; readonly NextToken: string | undefined } {
  if (!/^\d{1,9}$/.test(NextToken)) {
    throw new AwsError('ValidationException', `NextToken ${JSON.stringify(NextToken)} is not one that a page gave.`);
  }
  const end = Number(NextToken) + Limit;
  return { items: all.slice(Number(NextToken), end), NextToken: end < all.length ? String(end) : undefined };
}
