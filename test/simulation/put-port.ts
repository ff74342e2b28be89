/** PutRecords as a function's process sees it: late, refused, in part, and sometimes done without an answer. */
import { type PutRecordsEntry, PutRecordsError, type PutRecordsPort } from '../../streams/producer/put-records-port.ts';
import type { Conditions } from './conditions.ts';
import type { SimulatedProcess } from './function-host.ts';
import type { PlannedEvent } from './planned-events.ts';
import type { Random } from './random.ts';
import type { Replay, SimulatedStream } from './stream.ts';

export interface PutPortOptions<Input> {
  readonly process: SimulatedProcess<Input>;
  readonly conditions: Conditions;
  readonly stream: SimulatedStream;
  readonly random: Random;
  /** What an entry holds. @throws Violation when it may not be put */
  readonly contentOf: (entry: PutRecordsEntry) => readonly PlannedEvent[] | Replay;
}

const CALL_MS_MAX = 60;

export function putPort<Input>(options: PutPortOptions<Input>): PutRecordsPort {
  const { process, conditions, stream, random } = options;
  const lost = () => new PutRecordsError('the connection was lost', { isRetryable: true });
  return {
    listShards: async () => stream.openShards(),
    putRecords(_streamName, entries) {
      const isRefused = conditions.befalls('putFailed');
      const isLost = conditions.befalls('putAnswerLost');
      return process.call({
        name: `put ${entries.length}`,
        latencyMs: random.int(1, CALL_MS_MAX),
        refusal: isRefused ? lost() : undefined,
        answerLost: isLost ? lost() : undefined,
        effect() {
          const contents = new Map(entries.map((entry) => [entry.data, options.contentOf(entry)]));
          const contentOf = (data: Buffer) => {
            const content = contents.get(data);
            if (content === undefined) throw new Error('a record that is not of the call');
            return content;
          };
          return stream.put(entries, contentOf, () => conditions.befalls('putRejected'));
        },
      });
    },
  };
}
