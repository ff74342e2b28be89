/** Query executions: their states, a bounded number running at a time, and their results. Held in memory. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { AwsError } from '../service.ts';
import { QueryFailure } from './query-failure.ts';
import type { QueryResult } from './run-query.ts';

export type QueryState = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

export interface QueryExecution {
  readonly id: string;
  readonly query: string;
  readonly statementType: 'DML' | 'UTILITY';
  readonly workGroup: string;
  readonly database: string | undefined;
  readonly catalog: string | undefined;
  /** `s3://bucket/prefix/<id>.csv` */
  readonly outputLocation: string;
  readonly submittedAtMs: number;
  state: QueryState;
  reason: string | undefined;
  startedAtMs: number | undefined;
  completedAtMs: number | undefined;
  result: QueryResult | undefined;
  /** Also once the result is no longer held. */
  scannedBytes: number;
}

export type Submission = Pick<
  QueryExecution,
  'query' | 'statementType' | 'workGroup' | 'database' | 'catalog' | 'outputLocation'
>;

export interface QueryExecutions {
  submit(
    submission: Omit<Submission, 'outputLocation'> & { readonly outputLocation: (id: string) => string },
    run: (execution: QueryExecution, signal: AbortSignal) => Promise<QueryResult>,
    token: string | undefined,
  ): QueryExecution;
  find(id: string): QueryExecution | undefined;
  /** Newest first. */
  list(workGroup: string): readonly QueryExecution[];
  cancel(execution: QueryExecution): void;
  busy(): boolean;
  /** Breaks off what runs and resolves when nothing does. */
  stop(): Promise<void>;
}

const RUNNING_MAX = 2;
/** Athena allows a DML query 30 min by default; local data is small. */
const QUERY_TIMEOUT_MS = 5 * 60_000;
/** Executions that are remembered. */
const HISTORY_MAX = 1_000;
/** Results that are held for GetQueryResults; older ones are in S3 only. The newest is held whatever its size. */
const RESULTS_MAX = 50;
const HELD_BYTES_MAX = 256 * 1024 * 1024;

interface Entry {
  readonly execution: QueryExecution;
  readonly controller: AbortController;
  readonly run: (execution: QueryExecution, signal: AbortSignal) => Promise<QueryResult>;
  readonly token: string | undefined;
}

export function createQueryExecutions(clock: Clock): QueryExecutions {
  const entries = new Map<string, Entry>();
  const tokens = new Map<string, string>();
  const queue: Entry[] = [];
  const running = new Set<Promise<void>>();

  function pump(): void {
    while (running.size < RUNNING_MAX) {
      const entry = queue.shift();
      if (!entry) return;
      const done = runEntry(entry, clock).finally(() => {
        running.delete(done);
        forgetOldest();
        pump();
      });
      running.add(done);
    }
  }

  function forgetOldest(): void {
    const ended = [...entries.values()].filter(({ execution }) => execution.completedAtMs !== undefined);
    releaseResults(ended.map(({ execution }) => execution));
    for (const { execution, token } of ended.slice(0, Math.max(0, ended.length - HISTORY_MAX))) {
      entries.delete(execution.id);
      if (token !== undefined) tokens.delete(token);
    }
  }

  function cancel(execution: QueryExecution): void {
    const entry = entries.get(execution.id);
    const waits = entry ? queue.indexOf(entry) : -1;
    if (waits >= 0) queue.splice(waits, 1);
    if (execution.state === 'QUEUED' || execution.state === 'RUNNING') {
      execution.state = 'CANCELLED';
      execution.reason = 'Query cancelled by user';
      execution.completedAtMs = clock.now();
    }
    entry?.controller.abort(new QueryFailure('GENERIC_USER_ERROR', 'Query cancelled by user'));
  }

  return {
    submit(submission, run, token) {
      const known = entries.get(tokens.get(token ?? '') ?? '');
      if (known && known.execution.query !== submission.query)
        throw new AwsError('InvalidRequestException', 'Idempotent parameters do not match.');
      if (known) return known.execution;
      const id = randomUUID();
      const execution: QueryExecution = {
        ...submission,
        id,
        outputLocation: submission.outputLocation(id),
        submittedAtMs: clock.now(),
        state: 'QUEUED',
        reason: undefined,
        startedAtMs: undefined,
        completedAtMs: undefined,
        result: undefined,
        scannedBytes: 0,
      };
      const entry = { execution, controller: new AbortController(), run, token };
      entries.set(id, entry);
      if (token !== undefined) tokens.set(token, id);
      queue.push(entry);
      pump();
      return execution;
    },
    find: (id) => entries.get(id)?.execution,
    list: (workGroup) =>
      [...entries.values()]
        .map((entry) => entry.execution)
        .filter((execution) => execution.workGroup === workGroup)
        .reverse(),
    cancel,
    busy: () => running.size > 0 || queue.length > 0,
    async stop() {
      for (const { execution } of entries.values()) if (execution.completedAtMs === undefined) cancel(execution);
      await Promise.all(running);
    },
  };
}

/** Lets go of results that are too many or too large together, those first that ended first. */
function releaseResults(ended: readonly QueryExecution[]): void {
  const holding = ended
    .filter(({ result }) => result !== undefined)
    .sort((left, right) => (left.completedAtMs ?? 0) - (right.completedAtMs ?? 0));
  let count = holding.length;
  let bytes = holding.reduce((sum, { result }) => sum + (result?.heldBytes ?? 0), 0);
  for (const execution of holding) {
    if (count <= 1 || (count <= RESULTS_MAX && bytes <= HELD_BYTES_MAX)) return;
    count -= 1;
    bytes -= execution.result?.heldBytes ?? 0;
    execution.result = undefined;
  }
}

/** The state becomes final before this resolves; the result is set before the state says so. */
async function runEntry({ execution, controller, run }: Entry, clock: Clock): Promise<void> {
  execution.state = 'RUNNING';
  execution.startedAtMs = clock.now();
  // Of the machine's time, not of the shared clock: driving that forward must not break a query off.
  const timeout = setTimeout(() => {
    const message = `the query ran longer than ${QUERY_TIMEOUT_MS / 60_000} min`;
    controller.abort(new QueryFailure('EXCEEDED_TIME_LIMIT', message));
  }, QUERY_TIMEOUT_MS);
  let failure: unknown;
  try {
    execution.result = await run(execution, controller.signal);
    execution.scannedBytes = execution.result.scannedBytes;
  } catch (error) {
    failure = error;
  }
  clearTimeout(timeout);
  if (execution.completedAtMs !== undefined) return;
  execution.completedAtMs = clock.now();
  execution.state = failure === undefined ? 'SUCCEEDED' : 'FAILED';
  if (failure !== undefined) execution.reason = Error.isError(failure) ? failure.message : String(failure);
}
