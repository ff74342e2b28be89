/** Ports that record what is asked of them, in its order, and answer as a test wants. */

import { createClaims } from '../../../processors/books/claims.ts';
import type { DeliveryCall, KeptPayload, OpenBatch, PackedRecord } from '../../../processors/ports.ts';
import type { RealtimePorts } from '../../../processors/realtime.ts';
import { createMemoryStateTable } from './memory-state-table.ts';
import { EVALUATED_AT_MS } from './through-stages.ts';

export interface RecordedPorts extends RealtimePorts {
  /** `begin`, `deliver <table> x<documents>`, `delivered <table>`, `keep`, `commit <to>`, `log`. */
  readonly trace: readonly string[];
  /** Every call, whatever became of it. */
  readonly calls: readonly DeliveryCall[];
  /** What was accepted. */
  readonly accepted: readonly { readonly table: string; readonly record: PackedRecord }[];
  readonly kept: readonly KeptPayload[];
  readonly deadlinesMs: readonly number[];
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Documents that were accepted for a table, in order. */
  rows(table: string): readonly Readonly<Record<string, unknown>>[];
}

export interface PortAnswers {
  /** @returns what is rejected; default nothing */
  readonly deliver?: (call: DeliveryCall) => readonly PackedRecord[] | Promise<readonly PackedRecord[]>;
  readonly keep?: (payload: KeptPayload) => void | Promise<void>;
  readonly now?: () => number;
  /** What `begin` says, where it is not the start of a shard. */
  readonly opened?: Partial<OpenBatch>;
}

export function recordPorts(answers: PortAnswers = {}): RecordedPorts {
  const { deliver = () => [], keep = () => {}, now = () => EVALUATED_AT_MS } = answers;
  const trace: string[] = [];
  const calls: DeliveryCall[] = [];
  const accepted: { readonly table: string; readonly record: PackedRecord }[] = [];
  const kept: KeptPayload[] = [];
  const deadlinesMs: number[] = [];
  const lines: Record<string, unknown>[] = [];
  return {
    trace,
    calls,
    accepted,
    kept,
    deadlinesMs,
    lines,
    rows: (table) =>
      accepted
        .filter((each) => each.table === table)
        .flatMap(({ record }) => documentsOf(record.data).map((text) => JSON.parse(text))),
    clock: { now },
    log(line) {
      trace.push('log');
      lines.push(JSON.parse(line));
    },
    books: {
      async begin() {
        trace.push('begin');
        const opened: OpenBatch = {
          qualityThreshold: 0.85,
          doneUpTo: '',
          attemptsAlone: 0,
          acceptedUpTo: new Map(),
          async commit({ records, done }) {
            trace.push(`commit ${records[done - 1]?.sequenceNumber}`);
            return done;
          },
          async release() {
            trace.push('release');
          },
        };
        return { ...opened, ...answers.opened };
      },
    },
    claims: createClaims(createMemoryStateTable(), { now }),
    delivery: {
      async deliver(call, deadlineMs) {
        const documents = call.records.reduce((sum, record) => sum + record.documents, 0);
        trace.push(`deliver ${call.table} x${documents}`);
        calls.push(call);
        deadlinesMs.push(deadlineMs);
        const rejected = await deliver(call);
        for (const record of call.records) if (!rejected.includes(record)) accepted.push({ table: call.table, record });
        trace.push(`delivered ${call.table}`);
        return rejected;
      },
    },
    payloads: {
      async keep(payload, deadlineMs) {
        trace.push('keep');
        deadlinesMs.push(deadlineMs);
        await keep(payload);
        kept.push(payload);
      },
    },
  };
}

/** The documents of a Firehose record: each ends with a newline. */
export function documentsOf(data: Buffer): string[] {
  const parts = data.toString().split('\n');
  if (parts.pop() !== '') throw new Error('the last document does not end with a newline');
  return parts;
}
