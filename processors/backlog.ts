/** Bytes that were made to be sent and are not sent yet: they wait for a free call, or are on their way. */
export interface Backlog {
  /** Whether more may be made. What is added while there is room is taken whole, so one item may go past the limit. */
  readonly hasRoom: boolean;
  add(bytes: number): void;
  /** Calls back whoever waits, when there is room again. */
  remove(bytes: number): void;
  /** Calls back once, when there is room again; of several, the last. */
  whenRoom(resume: () => void): void;
}

/** @param bytesMax bytes from which on there is no room */
export function createBacklog(bytesMax: number): Backlog {
  let held = 0;
  let waiting: (() => void) | undefined;
  return {
    get hasRoom() {
      return held < bytesMax;
    },
    add(bytes) {
      held += bytes;
    },
    remove(bytes) {
      held -= bytes;
      if (held >= bytesMax || waiting === undefined) return;
      const resume = waiting;
      waiting = undefined;
      resume();
    },
    whenRoom(resume) {
      waiting = resume;
    },
  };
}
