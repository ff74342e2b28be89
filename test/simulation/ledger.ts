/** The Ledger function in a run: the real handler on a schedule, sometimes twice at once, and once more at rest. */
import { createLedgerHandler } from '../../batch/ledger/handler.ts';
import type { StateTablePort, StateWrite } from '../../processors/books/state-table.ts';
import type { Conditions } from './conditions.ts';
import { createFunctionHost } from './function-host.ts';
import { STREAM_CREATED_AT_MS } from './processor.ts';
import { createStatePort } from './state-ports.ts';
import { STREAM_ARN, STREAM_NAME } from './stream.ts';
import { Violation } from './violation.ts';

export interface SimulatedLedger {
  /** While faults last. */
  schedule(): void;
  invoke(): void;
}

const EVERY_MS = 15_000;
const TIMEOUT_MS = 60_000;
const FINDINGS = ['missing journal entry', 'cannot be read', 'written by another'];

export function createLedger(
  conditions: Conditions,
  table: StateTablePort,
  onWritten: (writes: readonly StateWrite[]) => void,
): SimulatedLedger {
  const { time, scenario, say } = conditions;
  const random = conditions.random('ledger ports');
  const host = createFunctionHost<object>({
    name: 'ledger',
    conditions,
    timeoutMs: TIMEOUT_MS,
    start: (process) =>
      createLedgerHandler(
        { streamName: STREAM_NAME, metricsNamespace: 'Simulation' },
        {
          table: createStatePort({ table, conditions, random, process, onWritten: (_, writes) => onWritten(writes) }),
          streams: { refOf: async () => ({ streamArn: STREAM_ARN, createdAtMs: STREAM_CREATED_AT_MS }) },
          clock: process,
          log(line) {
            if (process.isDead) return;
            say(() => `${process.invocation?.requestId} logs ${line}`);
            const finding = FINDINGS.find((each) => line.includes(each));
            if (finding !== undefined) conditions.fail(new Violation('the fold finds nothing wrong', line));
          },
        },
      ),
    onInvoke: () => undefined,
    onAnswer: () => undefined,
  });

  function invoke(): void {
    host.invoke({}, (result) => say(() => `a fold ${result.kind}`));
  }

  return {
    invoke,
    schedule() {
      for (let atMs = EVERY_MS; atMs < scenario.durationMs; atMs += EVERY_MS) {
        time.after(atMs, () => {
          invoke();
          if (conditions.befalls('notifiedTwice')) time.after(random.int(0, 200), invoke);
        });
      }
    },
  };
}
