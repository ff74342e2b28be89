/** Takes records from an input of any length until it ends or is not wanted any more. */

/** Records taken between two turns of the event loop: an input that always has one must not keep timers and answers out. */
const RECORDS_PER_TURN = 256;

/** A word to stop that may come at any time. */
export class Stop {
  isStopped = false;
  private wake: (() => void) | undefined;

  stop(): void {
    this.isStopped = true;
    this.wake?.();
  }

  /**
   * What is promised, or `undefined` when the word comes first. One wait at a time, and none that outlives its own
   * promise: `Promise.race` would keep a reaction of each for as long as the word does not come.
   */
  orStopped<T>(promised: PromiseLike<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.wake = () => resolve(undefined);
      promised.then(resolve, reject);
    });
  }
}

/** What is to be done with a record; the next is read when the promise, if there is one, has resolved. */
type Take = (record: unknown) => Promise<void> | undefined;

/**
 * @returns whether the input came to its end; not when it was stopped
 * @throws what the input or `take` throws
 */
export function takeRecords(
  records: Iterable<unknown> | AsyncIterable<unknown>,
  stop: Stop,
  take: Take,
): Promise<boolean> {
  const takeInTurns = withTurns(take);
  return Symbol.asyncIterator in records
    ? takeAsync(records[Symbol.asyncIterator](), stop, takeInTurns)
    : takeSync(records, stop, takeInTurns);
}

async function takeSync(records: Iterable<unknown>, stop: Stop, take: Take): Promise<boolean> {
  if (stop.isStopped) return false;
  for (const record of records) {
    const taking = take(record);
    if (taking !== undefined) await taking;
    if (stop.isStopped) return false;
  }
  return true;
}

async function takeAsync(iterator: AsyncIterator<unknown>, stop: Stop, take: Take): Promise<boolean> {
  while (!stop.isStopped) {
    const step = await stop.orStopped(iterator.next());
    if (step === undefined) {
      // It may never answer what it was asked before; whether it ends well does not matter any more.
      iterator.return?.().catch(() => undefined);
      return false;
    }
    if (step.done === true) return true;
    try {
      const taking = take(step.value);
      if (taking !== undefined) await taking;
    } catch (error) {
      await iterator.return?.();
      throw error;
    }
  }
  await iterator.return?.();
  return false;
}

function withTurns(take: Take): Take {
  let left = RECORDS_PER_TURN;

  async function afterTurn(taking: Promise<void> | undefined): Promise<void> {
    await taking;
    await new Promise((resolve) => setImmediate(resolve));
  }

  return (record) => {
    const taking = take(record);
    left--;
    if (left > 0) return taking;
    left = RECORDS_PER_TURN;
    return afterTurn(taking);
  };
}
