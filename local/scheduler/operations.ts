/**
 * The operations of EventBridge Scheduler that read schedules and their groups (REST JSON).
 * Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
 */
import { AwsError, type ServiceHandler, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { DEFAULT_GROUP, type ScheduleDefinition } from './schedule-definition.ts';

export interface ScheduleGroup {
  readonly name: string;
  readonly arn: string;
}

export interface OperationsOptions {
  /** By group and name. */
  readonly schedules: () => readonly ScheduleDefinition[];
  readonly groups: () => readonly ScheduleGroup[];
  /** Epoch milliseconds: when all were made. */
  readonly startedAtMs: number;
}

interface Operation {
  readonly name: string;
  readonly path: RegExp;
  readonly run: (subject: string, query: URLSearchParams) => object;
}

const PAGE_ITEMS_MAX = 100;

export function createSchedulerOperations(options: OperationsOptions): ServiceHandler {
  const operations: readonly Operation[] = [
    { name: 'ListSchedules', path: /^\/schedules$/, run: (_, query) => listSchedules(options, query) },
    { name: 'GetSchedule', path: /^\/schedules\/([^/]+)$/, run: (name, query) => getSchedule(options, name, query) },
    { name: 'ListScheduleGroups', path: /^\/schedule-groups$/, run: (_, query) => listGroups(options, query) },
    { name: 'GetScheduleGroup', path: /^\/schedule-groups\/([^/]+)$/, run: (name) => getGroup(options, name) },
  ];
  const names = operations.map(({ name }) => name);
  const find = ({ method, path }: ServiceRequest) => {
    for (const operation of method === 'GET' ? operations : []) {
      const match = operation.path.exec(path.replace(/\/$/, ''));
      if (match) return { operation, subject: match[1] ?? '' };
    }
    return undefined;
  };
  const handle = async (request: ServiceRequest): Promise<ServiceResponse> => {
    const found = find(request);
    if (!found) {
      const asked = `${request.method} ${request.path}`;
      const message = `The local scheduler does not support ${asked}. Supported: ${names.join(', ')}.`;
      throw new AwsError('UnknownOperationException', message, 404);
    }
    const body = JSON.stringify(found.operation.run(decodeURIComponent(found.subject), request.query));
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  };
  return Object.assign(handle, {
    operations: names,
    operationOf: (request: ServiceRequest) => find(request)?.operation.name,
  });
}

function listSchedules(options: OperationsOptions, query: URLSearchParams): object {
  const group = query.get('ScheduleGroup');
  const state = query.get('State');
  if (group !== null) findGroup(options, group);
  const found = options
    .schedules()
    .filter((schedule) => group === null || schedule.groupName === group)
    .filter((schedule) => schedule.name.startsWith(query.get('NamePrefix') ?? ''))
    .filter((schedule) => state === null || stateOf(schedule) === state);
  const { items, NextToken } = pageOf(found, query);
  return {
    Schedules: items.map((schedule) => ({
      ...commonOf(schedule, options),
      Target: { Arn: schedule.target.arn },
    })),
    NextToken,
  };
}

function getSchedule(options: OperationsOptions, name: string, query: URLSearchParams): object {
  const group = query.get('groupName') ?? DEFAULT_GROUP;
  const found = options.schedules().find((schedule) => schedule.groupName === group && schedule.name === name);
  if (!found) throw notFound(`Schedule ${name} does not exist in group ${group}.`);
  const { target, recurrence } = found;
  return {
    ...commonOf(found, options),
    Description: found.description,
    ScheduleExpression: recurrence.expression,
    ScheduleExpressionTimezone: found.timezone,
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'NONE',
    Target: {
      Arn: target.arn,
      RoleArn: target.roleArn,
      Input: target.input,
      RetryPolicy: {
        MaximumEventAgeInSeconds: target.eventAgeMsMax / 1000,
        MaximumRetryAttempts: target.retriesMax,
      },
      ...(target.deadLetterArn !== undefined && { DeadLetterConfig: { Arn: target.deadLetterArn } }),
    },
  };
}

function listGroups(options: OperationsOptions, query: URLSearchParams): object {
  const prefix = query.get('NamePrefix') ?? '';
  const found = options.groups().filter(({ name }) => name.startsWith(prefix));
  const { items, NextToken } = pageOf(found, query);
  return { ScheduleGroups: items.map((group) => groupAnswer(group, options)), NextToken };
}

function getGroup(options: OperationsOptions, name: string): object {
  return groupAnswer(findGroup(options, name), options);
}

function findGroup({ groups }: OperationsOptions, name: string): ScheduleGroup {
  const found = groups().find((group) => group.name === name);
  if (found) return found;
  throw notFound(`Schedule group ${name} does not exist.`);
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message, 404);
}

function stateOf({ isEnabled }: ScheduleDefinition): string {
  return isEnabled ? 'ENABLED' : 'DISABLED';
}

function commonOf(schedule: ScheduleDefinition, options: OperationsOptions): object {
  return {
    Arn: schedule.arn,
    Name: schedule.name,
    GroupName: schedule.groupName,
    State: stateOf(schedule),
    ...datesOf(options),
  };
}

function groupAnswer({ name, arn }: ScheduleGroup, options: OperationsOptions): object {
  return { Arn: arn, Name: name, State: 'ACTIVE', ...datesOf(options) };
}

function datesOf({ startedAtMs }: OperationsOptions): object {
  return { CreationDate: startedAtMs / 1000, LastModificationDate: startedAtMs / 1000 };
}

/** The token is the index that the next page begins with. */
function pageOf<Item>(
  all: readonly Item[],
  query: URLSearchParams,
): { readonly items: readonly Item[]; readonly NextToken: string | undefined } {
  const from = Number(query.get('NextToken') ?? 0);
  const count = Number(query.get('MaxResults') ?? PAGE_ITEMS_MAX);
  if (!Number.isInteger(from) || from < 0 || !Number.isInteger(count) || count < 1 || count > PAGE_ITEMS_MAX) {
    const allowed = `NextToken is one that a page gave, MaxResults 1 to ${PAGE_ITEMS_MAX}`;
    throw new AwsError('ValidationException', `${allowed}; received ${query.toString()}.`);
  }
  const end = from + count;
  return { items: all.slice(from, end), NextToken: end < all.length ? String(end) : undefined };
}
