/** Those who wait for the producer: for room in its buffer, or for entries to be accepted. */

interface FlushWaiter {
  /** Entries with a lower number are waited for. */
  readonly entryNumberEnd: number;
  entriesLeft: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface RoomWaiter {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class WaitingRoom {
  private readonly roomBytesMax: number;
  private flushes: FlushWaiter[] = [];
  private room: RoomWaiter | undefined;

  /** @param roomBytesMax buffered bytes at which there is room again */
  constructor(roomBytesMax: number) {
    this.roomBytesMax = roomBytesMax;
  }

  /** True while someone waits for room. */
  get isRoomWanted(): boolean {
    return this.room !== undefined;
  }

  untilRoom(): Promise<void> {
    if (this.room === undefined) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      // One that nobody awaits must not bring the process down: the next put and every flush tell the same error.
      promise.catch(() => undefined);
      this.room = { promise, resolve, reject };
    }
    return this.room.promise;
  }

  /** Resolves when the `entriesLeft` entries with a number below `entryNumberEnd` that are not accepted yet are. */
  untilAccepted(entryNumberEnd: number, entriesLeft: number): Promise<void> {
    if (entriesLeft === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.flushes.push({ entryNumberEnd, entriesLeft, resolve, reject });
    return promise;
  }

  accepted(entryNumber: number, bytesBuffered: number): void {
    if (bytesBuffered <= this.roomBytesMax) {
      this.room?.resolve();
      this.room = undefined;
    }
    for (const flush of this.flushes) {
      if (entryNumber < flush.entryNumberEnd) flush.entriesLeft--;
      if (flush.entriesLeft === 0) flush.resolve();
    }
    this.flushes = this.flushes.filter((flush) => flush.entriesLeft > 0);
  }

  fail(error: Error): void {
    this.room?.reject(error);
    for (const flush of this.flushes) flush.reject(error);
    this.room = undefined;
    this.flushes = [];
  }
}
