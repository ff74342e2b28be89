/** An object that is read as records: where its bytes come from, and how it says that they are not what they should be. */

export interface SourceObject {
  /** Its name decides the format, with its content. */
  readonly key: string;
  readonly sizeBytes: number;
  /**
   * Bytes in pieces, read once each.
   * @param from first byte, 0 at least
   * @param to first byte that is left out. Default: the end
   * @throws any error but `BadObject` when the object cannot be read now: whoever reads it tries again later
   */
  read(from: number, to?: number): AsyncIterable<Uint8Array>;
}

/** The content of an object is not what it should be, and will not be the next time: its message says where and how. */
export class BadObject extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BadObject';
  }
}
