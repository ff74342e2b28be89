/** The state table in memory: every method is carried out at once and alone, as one request after another would be. */
import {
  ConditionFailed,
  type Expectation,
  type StateAttributes,
  type StateItem,
  type StateKey,
  type StateTablePort,
  type StateValue,
  type StateWrite,
  type StatusPlace,
} from '../../../processors/books/state-table.ts';

export interface MemoryStateTable extends StateTablePort {
  /** Every item, in the order of (pk, sk). */
  items(): readonly StateItem[];
  /** Takes an item away, as no part of the pipeline does. */
  forget(key: StateKey): void;
}

const WRITES_MAX = 100;

export function createMemoryStateTable(): MemoryStateTable {
  const partitions = new Map<string, Map<string, StateAttributes>>();

  const find = ({ pk, sk }: StateKey): StateItem | undefined => {
    const attributes = partitions.get(pk)?.get(sk);
    return attributes && { pk, sk, attributes };
  };

  function store({ pk, sk }: StateKey, attributes: StateAttributes): StateItem {
    const partition = partitions.get(pk) ?? new Map<string, StateAttributes>();
    partitions.set(pk, partition);
    partition.set(sk, attributes);
    return { pk, sk, attributes };
  }

  function write(writes: readonly StateWrite[]): readonly (StateItem | undefined)[] {
    if (writes.length > WRITES_MAX) throw new RangeError(`transaction: received ${writes.length} writes, allowed: 100`);
    const keys = new Set(writes.map(({ key }) => `${key.pk}\n${key.sk}`));
    if (keys.size < writes.length) throw new RangeError('transaction: received two writes of one item');
    const failed = new Map<number, StateItem | undefined>();
    writes.forEach((each, index) => {
      const item = find(each.key);
      if (!holds(each, item)) failed.set(index, item);
    });
    if (failed.size > 0) throw new ConditionFailed(failed);
    return writes.map((each) => {
      if (each.kind === 'check') return undefined;
      if (each.kind === 'put') return store(each.key, each.attributes);
      return store(each.key, updated(find(each.key)?.attributes ?? {}, each));
    });
  }

  return {
    async get(key) {
      return find(key);
    },
    async query(pk, { from, to, descending = false, limit } = {}) {
      const sorted = [...(partitions.get(pk) ?? [])]
        .filter(([sk]) => (from === undefined || sk >= from) && (to === undefined || sk <= to))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([sk, attributes]): StateItem => ({ pk, sk, attributes }));
      return (descending ? sorted.reverse() : sorted).slice(0, limit);
    },
    async queryByStatus(status, { limit, after, descending = false }) {
      const placeOf = ({ pk, sk, attributes }: StateItem) => ({ pk, sk, updatedAtMs: Number(attributes.updated_at) });
      const sorted = [...partitions]
        .flatMap(([pk, items]) => [...items].map(([sk, attributes]): StateItem => ({ pk, sk, attributes })))
        .filter(({ attributes }) => attributes.status === status && attributes.updated_at !== undefined)
        .sort((a, b) => compareByStatus(placeOf(a), placeOf(b)));
      const ordered = descending ? sorted.reverse() : sorted;
      const isAfter = (item: StateItem) =>
        after === undefined || compareByStatus(placeOf(item), after) * (descending ? -1 : 1) > 0;
      const rest = ordered.filter(isAfter);
      const items = rest.slice(0, limit);
      const last = items.at(-1);
      return { items, next: last && rest.length > limit ? placeOf(last) : undefined };
    },
    async update(update) {
      const [item] = write([update]);
      if (item === undefined) throw new Error('an update gives an item');
      return item;
    },
    async transact(writes) {
      write(writes);
    },
    items: () =>
      [...partitions]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([pk, items]) =>
          [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([sk, attributes]) => ({ pk, sk, attributes })),
        ),
    forget: ({ pk, sk }) => void partitions.get(pk)?.delete(sk),
  };
}

function compareByStatus(a: StatusPlace, b: StatusPlace): number {
  if (a.updatedAtMs !== b.updatedAtMs) return a.updatedAtMs - b.updatedAtMs;
  return `${a.pk}\n${a.sk}` < `${b.pk}\n${b.sk}` ? -1 : a.pk === b.pk && a.sk === b.sk ? 0 : 1;
}

function holds(write: StateWrite, item: StateItem | undefined): boolean {
  if (write.kind === 'put') {
    if (item === undefined) return true;
    if (write.when === 'new') return false;
    const { owner, generation } = item.attributes;
    const isEarlier = generation !== undefined && generation < (write.attributes.generation ?? 0);
    return owner === write.attributes.owner || isEarlier;
  }
  return write.expect === undefined || matches(write.expect, item?.attributes ?? {});
}

function matches(expect: Expectation, attributes: StateAttributes): boolean {
  return Object.entries(expect).every(([name, value]) => isSame(attributes[name], value));
}

function isSame(a: StateValue | undefined, b: StateValue | undefined): boolean {
  const number = (value: StateValue | undefined) => typeof value === 'number' || typeof value === 'bigint';
  // biome-ignore lint/suspicious/noDoubleEquals: 1n and 1 are one number in DynamoDB
  return number(a) && number(b) ? a == b : a === b;
}

function updated(before: StateAttributes, update: Extract<StateWrite, { kind: 'update' }>): StateAttributes {
  const after: Record<string, StateValue> = { ...update.setOnce, ...before, ...update.set };
  for (const [name, value] of Object.entries(update.add ?? {})) after[name] = sum(before[name], value);
  for (const name of update.remove ?? []) delete after[name];
  return after;
}

function sum(before: StateValue | undefined, added: number | bigint | ReadonlySet<string>): StateValue {
  if (typeof added === 'object') {
    if (before !== undefined && !(before instanceof Set)) throw new TypeError('a set is added to what is no set');
    return new Set([...(before ?? []), ...added]);
  }
  if (before === undefined) return exact(BigInt(0), added);
  if (typeof before === 'number' || typeof before === 'bigint') return exact(before, added);
  throw new TypeError('a number is added to what is no number');
}

/** DynamoDB adds decimals exactly; what has no fraction is added as integers. */
function exact(a: number | bigint, b: number | bigint): number | bigint {
  const isWhole = (value: number | bigint) => typeof value === 'bigint' || Number.isInteger(value);
  if (!isWhole(a) || !isWhole(b)) return Number(a) + Number(b);
  const total = BigInt(a) + BigInt(b);
  return Number.isSafeInteger(Number(total)) ? Number(total) : total;
}
