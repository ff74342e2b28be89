/** The real books over a table that answers at once: what begin and commit cost, and how often they write. */
import { createBooks } from '../processors/books/books.ts';
import type { StateTablePort } from '../processors/books/state-table.ts';
import type { BooksPort, OpenBatch } from '../processors/ports.ts';

export interface BooksCost {
  batches: number;
  updates: number;
  transactions: number;
  /** In begin and commit, all that they call included. */
  ms: number;
}

/** Every batch is the first of its shard, so that the same events can be processed again and again. */
export function createMeasuredBooks(): { readonly books: BooksPort; take(): BooksCost } {
  const nothing = (): BooksCost => ({ batches: 0, updates: 0, transactions: 0, ms: 0 });
  let cost = nothing();
  const unexpected = async (): Promise<never> => {
    throw new Error('begin and commit read nothing');
  };
  const table: StateTablePort = {
    get: unexpected,
    query: unexpected,
    queryByStatus: unexpected,
    async update({ key, add, setOnce }) {
      cost.updates += 1;
      const attempts = { attempts: 1, ends: add?.ends instanceof Set ? add.ends : new Set<string>() };
      return { ...key, attributes: { ...setOnce, ...attempts } };
    },
    async transact() {
      cost.transactions += 1;
    },
  };
  const inner = createBooks({
    table,
    streams: { createdAtMs: async () => 0 },
    clock: { now: Date.now },
    qualityThreshold: 0.85,
    version: 'bench',
  });

  async function timed<Value>(run: () => Promise<Value>): Promise<Value> {
    const startedAt = performance.now();
    const value = await run();
    cost.ms += performance.now() - startedAt;
    return value;
  }

  return {
    books: {
      async begin(range) {
        const opened = await timed(() => inner.begin(range));
        const measured: OpenBatch = {
          ...opened,
          commit: (work) => timed(() => opened.commit(work)),
        };
        cost.batches += 1;
        return measured;
      },
    },
    take() {
      const taken = cost;
      cost = nothing();
      return taken;
    },
  };
}
