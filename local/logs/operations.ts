/**
 * The operations of CloudWatch Logs that are served, in terms of the store. Times are epoch milliseconds throughout, as
 * in the API. Tokens say where the next page begins; they do not expire.
 */
import { z } from 'zod';
import { type Operation, operation } from '../protocol/json.ts';
import { AwsError } from '../service.ts';
import { filterPattern } from './filter-pattern.ts';
import { type Cursor, EVENT_OVERHEAD_BYTES, type LogStore, type LogStream, type StoredEvent } from './log-store.ts';

/** Limits of a page and of PutLogEvents: AmazonCloudWatchLogs/latest/APIReference, the page of each operation. */
const PAGE_EVENTS_MAX = 10_000;
const PAGE_BYTES_MAX = 1024 * 1024;
const DESCRIBE_ITEMS_MAX = 50;
const PUT_EVENTS_MAX = 10_000;
const PUT_BYTES_MAX = 1_048_576;

/** A group is given by its name, or by its name or ARN as an identifier. */
const group = z.object({ logGroupName: z.string().optional(), logGroupIdentifier: z.string().optional() });
const describeLimit = z.number().int().min(1).max(DESCRIBE_ITEMS_MAX).default(DESCRIBE_ITEMS_MAX);
const eventLimit = z.number().int().min(1).max(PAGE_EVENTS_MAX).default(PAGE_EVENTS_MAX);

const filterInput = group.extend({
  logStreamNames: z.array(z.string()).min(1).max(100).optional(),
  logStreamNamePrefix: z.string().optional(),
  startTime: z.number().default(0),
  endTime: z.number().optional(),
  filterPattern: z.string().default(''),
  limit: eventLimit,
  nextToken: z.string().optional(),
});
const getInput = group.extend({
  logStreamName: z.string(),
  startTime: z.number().default(0),
  endTime: z.number().optional(),
  limit: eventLimit,
  startFromHead: z.boolean().default(false),
  nextToken: z.string().optional(),
});
const putInput = z.object({
  logGroupName: z.string(),
  logStreamName: z.string(),
  logEvents: z
    .array(z.object({ timestamp: z.number().int().min(0), message: z.string().min(1) }))
    .min(1)
    .max(PUT_EVENTS_MAX),
});
const describeGroupsInput = z.object({
  logGroupNamePrefix: z.string().optional(),
  logGroupNamePattern: z.string().optional(),
  limit: describeLimit,
  nextToken: z.string().optional(),
});
const describeStreamsInput = group.extend({
  logStreamNamePrefix: z.string().optional(),
  orderBy: z.enum(['LogStreamName', 'LastEventTime']).default('LogStreamName'),
  descending: z.boolean().default(false),
  limit: describeLimit,
  nextToken: z.string().optional(),
});
const createGroupInput = z.object({ logGroupName: z.string().regex(/^[\w\-/.#]{1,512}$/) });
const createStreamInput = z.object({ logGroupName: z.string(), logStreamName: z.string().regex(/^[^:*]{1,512}$/) });

export function logOperations(store: LogStore, arnOf: (group: string) => string): Readonly<Record<string, Operation>> {
  return {
    CreateLogGroup: operation(createGroupInput, ({ logGroupName }) => {
      if (!store.createGroup(logGroupName)) throw exists('log group');
      return undefined;
    }),
    CreateLogStream: operation(createStreamInput, (input) => {
      const name = groupOf(store, input);
      if (!store.createStream(name, input.logStreamName)) throw exists('log stream');
      return undefined;
    }),
    PutLogEvents: operation(putInput, (input) => putLogEvents(store, input)),
    DescribeLogGroups: operation(describeGroupsInput, (input) => describeLogGroups(store, arnOf, input)),
    DescribeLogStreams: operation(describeStreamsInput, (input) => describeLogStreams(store, arnOf, input)),
    GetLogEvents: operation(getInput, (input) => getLogEvents(store, input)),
    FilterLogEvents: operation(filterInput, (input) => filterLogEvents(store, input)),
  };
}

function groupOf(store: LogStore, input: z.infer<typeof group>): string {
  const name = input.logGroupName ?? input.logGroupIdentifier?.replace(/^arn:[^:]+:logs:[^:]*:[^:]*:log-group:/, '');
  if (name === undefined) throw new AwsError('InvalidParameterException', 'Give logGroupName or logGroupIdentifier.');
  const plain = name.replace(/:\*$/, '');
  if (store.hasGroup(plain)) return plain;
  throw new AwsError('ResourceNotFoundException', `The specified log group does not exist: ${plain}`);
}

function streamOf(store: LogStore, groupName: string, name: string): LogStream {
  const found = store.streams(groupName).find((stream) => stream.name === name);
  if (found) return found;
  throw new AwsError('ResourceNotFoundException', `The specified log stream does not exist: ${name}`);
}

function exists(what: string): AwsError {
  return new AwsError('ResourceAlreadyExistsException', `The specified ${what} already exists`);
}

function putLogEvents(store: LogStore, input: z.infer<typeof putInput>): object {
  const name = groupOf(store, input);
  streamOf(store, name, input.logStreamName);
  const events = input.logEvents.map((event) => ({ timestampMs: event.timestamp, message: event.message }));
  const bytes = events.reduce((sum, event) => sum + Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES, 0);
  if (bytes > PUT_BYTES_MAX) {
    const message = `Upload too large: ${bytes} bytes exceeds limit of ${PUT_BYTES_MAX}`;
    throw new AwsError('InvalidParameterException', message);
  }
  if (events.some((event, index) => event.timestampMs < (events[index - 1]?.timestampMs ?? 0))) {
    const message = 'Log events in a single PutLogEvents request must be in chronological order.';
    throw new AwsError('InvalidParameterException', message);
  }
  store.write(name, input.logStreamName, events);
  return { nextSequenceToken: '0' };
}

function describeLogGroups(
  store: LogStore,
  arnOf: (group: string) => string,
  input: z.infer<typeof describeGroupsInput>,
): object {
  const { logGroupNamePrefix = '', logGroupNamePattern = '' } = input;
  const wanted = store
    .groups()
    .filter(({ name }) => name.startsWith(logGroupNamePrefix))
    .filter(({ name }) => name.toLowerCase().includes(logGroupNamePattern.toLowerCase()));
  const { items, nextToken } = page(wanted, input.limit, input.nextToken);
  const logGroups = items.map(({ name, createdAtMs, retentionDays, storedBytes }) => ({
    logGroupName: name,
    creationTime: createdAtMs,
    retentionInDays: retentionDays,
    metricFilterCount: 0,
    arn: `${arnOf(name)}:*`,
    storedBytes,
    logGroupClass: 'STANDARD',
    logGroupArn: arnOf(name),
  }));
  return { logGroups, nextToken };
}

function describeLogStreams(
  store: LogStore,
  arnOf: (group: string) => string,
  input: z.infer<typeof describeStreamsInput>,
): object {
  const name = groupOf(store, input);
  const { logStreamNamePrefix = '', orderBy, descending } = input;
  if (orderBy === 'LastEventTime' && logStreamNamePrefix !== '') {
    const message = 'Cannot order by LastEventTime with a logStreamNamePrefix.';
    throw new AwsError('InvalidParameterException', message);
  }
  const wanted = store.streams(name).filter((stream) => stream.name.startsWith(logStreamNamePrefix));
  const ordered =
    orderBy === 'LogStreamName'
      ? wanted
      : wanted.toSorted((left, right) => (left.lastEventMs ?? 0) - (right.lastEventMs ?? 0));
  const { items, nextToken } = page(descending ? ordered.toReversed() : ordered, input.limit, input.nextToken);
  const logStreams = items.map((stream) => ({
    logStreamName: stream.name,
    creationTime: stream.createdAtMs,
    firstEventTimestamp: stream.firstEventMs,
    lastEventTimestamp: stream.lastEventMs,
    lastIngestionTime: stream.lastIngestionMs,
    uploadSequenceToken: '0',
    arn: `${arnOf(name)}:log-stream:${stream.name}`,
    storedBytes: 0,
  }));
  return { logStreams, nextToken };
}

function filterLogEvents(store: LogStore, input: z.infer<typeof filterInput>): object {
  const name = groupOf(store, input);
  if (input.logStreamNames && input.logStreamNamePrefix !== undefined) {
    throw new AwsError('InvalidParameterException', 'Give logStreamNames or logStreamNamePrefix, not both.');
  }
  const matches = filterPattern(input.filterPattern);
  const found: StoredEvent[] = [];
  let bytes = 0;
  let isMore = false;
  const query = {
    group: name,
    streams: input.logStreamNames,
    streamPrefix: input.logStreamNamePrefix,
    fromMs: input.startTime,
    // The end of a filter is inclusive; that of GetLogEvents is not.
    toMs: (input.endTime ?? Number.MAX_SAFE_INTEGER - 1) + 1,
    newestFirst: false,
    after: readToken(input.nextToken, ''),
  };
  for (const event of store.events(query)) {
    if (!matches(event.message)) continue;
    bytes += Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
    isMore = found.length === input.limit || (found.length > 0 && bytes > PAGE_BYTES_MAX);
    if (isMore) break;
    found.push(event);
  }
  const last = found.at(-1);
  return {
    events: found.map((event) => ({
      logStreamName: event.stream,
      timestamp: event.timestampMs,
      message: event.message,
      ingestionTime: event.ingestedAtMs,
      eventId: String(event.id).padStart(56, '0'),
    })),
    searchedLogStreams: [],
    ...(isMore && last && { nextToken: writeToken('', last) }),
  };
}

function getLogEvents(store: LogStore, input: z.infer<typeof getInput>): object {
  const name = groupOf(store, input);
  streamOf(store, name, input.logStreamName);
  const goesBack = input.nextToken === undefined ? !input.startFromHead : input.nextToken.startsWith('b/');
  const query = {
    group: name,
    streams: [input.logStreamName],
    fromMs: input.startTime,
    toMs: input.endTime ?? Number.MAX_SAFE_INTEGER,
    newestFirst: goesBack,
    ...(goesBack ? { before: readToken(input.nextToken, 'b/') } : { after: readToken(input.nextToken, 'f/') }),
  };
  const found: StoredEvent[] = [];
  let bytes = 0;
  for (const event of store.events(query)) {
    bytes += Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
    if (found.length === input.limit || (found.length > 0 && bytes > PAGE_BYTES_MAX)) break;
    found.push(event);
  }
  if (goesBack) found.reverse();
  // Past an end the token stays what it was: that is how callers notice the end.
  const here = readToken(input.nextToken, goesBack ? 'b/' : 'f/') ?? { timestampMs: input.startTime, id: 0 };
  return {
    events: found.map(({ timestampMs, message, ingestedAtMs }) => ({
      timestamp: timestampMs,
      message,
      ingestionTime: ingestedAtMs,
    })),
    nextForwardToken: writeToken('f/', found.at(-1) ?? here),
    nextBackwardToken: writeToken('b/', found[0] ?? here),
  };
}

function writeToken(prefix: string, { timestampMs, id }: Cursor): string {
  return `${prefix}${timestampMs}-${id}`;
}

function readToken(token: string | undefined, prefix: string): Cursor | undefined {
  if (token === undefined) return undefined;
  const match = /^(\d+)-(\d+)$/.exec(token.startsWith(prefix) ? token.slice(prefix.length) : '');
  if (match) return { timestampMs: Number(match[1]), id: Number(match[2]) };
  throw new AwsError('InvalidParameterException', `The specified nextToken is invalid: ${token}`);
}

/** The token is the index that the next page begins with. */
function page<Item>(
  all: readonly Item[],
  limit: number,
  token: string | undefined,
): { readonly items: readonly Item[]; readonly nextToken: string | undefined } {
  if (token !== undefined && !/^\d+$/.test(token)) {
    throw new AwsError('InvalidParameterException', `The specified nextToken is invalid: ${token}`);
  }
  const from = Number(token ?? 0);
  const end = from + limit;
  return { items: all.slice(from, end), nextToken: end < all.length ? String(end) : undefined };
}
