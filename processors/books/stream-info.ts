/** What the books ask of the stream itself. */

export interface StreamInfoPort {
  /** When the stream was made, epoch milliseconds: it tells a stream from an earlier one of the same name. */
  createdAtMs(streamArn: string): Promise<number>;
}
