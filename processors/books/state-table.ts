/**
 * The state table, `data-pipeline-state`, as the books need it: one table of items by (pk, sk), written under conditions.
 *
 * A small vocabulary in place of DynamoDB's expressions: an adapter turns it into them, and a simulated table carries it
 * out as it stands, so that the books run on both unchanged.
 */

/** Numbers are exact: an integer that a double does not hold is a `bigint`. Sets are never empty. */
export type StateValue = string | number | bigint | boolean | Uint8Array | ReadonlySet<string>;

/** Attributes of an item besides its key. */
export type StateAttributes = Readonly<Record<string, StateValue>>;

export interface StateKey {
  readonly pk: string;
  readonly sk: string;
}

export interface StateItem extends StateKey {
  readonly attributes: StateAttributes;
}

/** Attributes as they must be for a write to take place; `undefined`: there is none of that name. */
export type Expectation = Readonly<Record<string, StateValue | undefined>>;

/** Changes an item, and makes it when there is none. An attribute is named in one of the parts at most. */
export interface StateUpdate {
  readonly kind: 'update';
  readonly key: StateKey;
  readonly expect?: Expectation;
  readonly set?: StateAttributes;
  /** Set where there is no such attribute yet. */
  readonly setOnce?: StateAttributes;
  /** Added to a number, which is 0 where there is none, or to a set of strings. */
  readonly add?: Readonly<Record<string, number | bigint | ReadonlySet<string>>>;
  readonly remove?: readonly string[];
}

/** Makes an item. */
export interface StatePut {
  readonly kind: 'put';
  readonly key: StateKey;
  readonly attributes: StateAttributes;
  /**
   * When it may be written. `new`: there is no item of this key. `claim`: there is none, or its `owner` is the one that
   * is put, or its `generation` is lower than the one that is put.
   */
  readonly when: 'new' | 'claim';
}

/** Nothing is written; the other writes of the transaction take place only if it holds. */
export interface StateCheck {
  readonly kind: 'check';
  readonly key: StateKey;
  readonly expect: Expectation;
}

export type StateWrite = StateUpdate | StatePut | StateCheck;

export interface StateRange {
  /** Lowest sort key, included. Default: the first. */
  readonly from?: string;
  /** Highest sort key, included. Default: the last. */
  readonly to?: string;
  readonly descending?: boolean;
  /** Default: all, page by page. */
  readonly limit?: number;
}

/** Where an item stands among those of its status. */
export interface StatusPlace extends StateKey {
  readonly updatedAtMs: number;
}

export interface StatusRange {
  /** 1 at least. */
  readonly limit: number;
  /** The item that the page before ended with. Default: the first page. */
  readonly after?: StatusPlace | undefined;
  /** The one that was changed last first. Default: the one that was changed first. */
  readonly descending?: boolean;
}

export interface StatusPage {
  readonly items: readonly StateItem[];
  /** Where the page ends; undefined: there are no more. */
  readonly next: StatusPlace | undefined;
}

/** Every method throws `StateUnavailable` when it is not known to have succeeded; it may have. */
export interface StateTablePort {
  /** Strongly consistent. */
  get(key: StateKey): Promise<StateItem | undefined>;
  /** Items of one `pk` in the order of `sk`; strongly consistent. */
  query(pk: string, range?: StateRange): Promise<readonly StateItem[]>;
  /**
   * Items with that `status`, in the order of their `updated_at`. Of an index, which is behind the table for a moment: an
   * item may still be as it was before, or stand under two statuses.
   */
  queryByStatus(status: string, range: StatusRange): Promise<StatusPage>;
  /**
   * @returns the whole item as it is after the update
   * @throws ConditionFailed
   */
  update(update: StateUpdate): Promise<StateItem>;
  /**
   * All of it or nothing: at most 100 writes, no item twice (APIReference/API_TransactWriteItems.html).
   * @throws ConditionFailed
   */
  transact(writes: readonly StateWrite[]): Promise<void>;
}

/** A condition did not hold, and nothing was written. */
export class ConditionFailed extends Error {
  /** By index of the write whose condition failed: the item as it is, `undefined` when there is none. */
  readonly failed: ReadonlyMap<number, StateItem | undefined>;

  constructor(failed: ReadonlyMap<number, StateItem | undefined>) {
    super(`a condition on the state table does not hold (writes ${[...failed.keys()].join(', ')})`);
    this.name = 'ConditionFailed';
    this.failed = failed;
  }
}

/** The state table did not answer, or refused for now. What was asked may have been done. */
export class StateUnavailable extends Error {
  constructor(message: string, options: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'StateUnavailable';
  }
}

/** An item's attribute, checked. @throws TypeError naming the item, the attribute, what was received and what is allowed */
export function textOf(item: StateItem, name: string): string {
  const value = item.attributes[name];
  return typeof value === 'string' ? value : refuse(item, name, value, 'a string');
}

/** @throws TypeError as `textOf`; 0 where there is no such attribute */
export function numberOf(item: StateItem | undefined, name: string): number {
  const value = item?.attributes[name];
  if (item === undefined || value === undefined) return 0;
  return typeof value === 'number' ? value : refuse(item, name, value, 'a number that a double holds');
}

/** @throws TypeError as `textOf`; 0n where there is no such attribute */
export function integerOf(item: StateItem | undefined, name: string): bigint {
  const value = item?.attributes[name];
  if (item === undefined || value === undefined) return 0n;
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isSafeInteger(value)
    ? BigInt(value)
    : refuse(item, name, value, 'an integer');
}

function refuse(item: StateKey, name: string, received: unknown, allowed: string): never {
  throw new TypeError(`${item.pk} ${item.sk}: ${name} is of type ${typeof received}, allowed: ${allowed}`);
}
