/** What the books ask of the stream itself. */
import type { StreamRef } from './keys.ts';

export interface StreamInfoPort {
  /** When the stream was made, epoch milliseconds: it tells a stream from an earlier one of the same name. */
  createdAtMs(streamArn: string): Promise<number>;
}

export interface NamedStreamPort {
  /** @throws StateUnavailable when the stream could not be described */
  refOf(streamName: string): Promise<StreamRef>;
}
