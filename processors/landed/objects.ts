/** Objects that have appeared in a bucket, as the Catalog function reads them: by ranges, of the very version it was told of. */

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly sizeBytes: number;
  /** Without quotes, as EventBridge gives it. */
  readonly etag: string;
}

export interface ObjectsPort {
  /**
   * @param from first byte, included
   * @param to last byte, not included; at most the object's size
   * @throws ObjectError when the object is not there, is another by now, or its store does not answer
   */
  read(object: StoredObject, from: number, to: number): Promise<Uint8Array>;
}

/** An object could not be read, or is not what it should be. Its message tells it alone is meant. */
export class ObjectError extends Error {
  constructor({ bucket, key }: StoredObject, reason: string, options: { readonly cause?: unknown } = {}) {
    super(`s3://${bucket}/${key}: ${reason}`, options);
    this.name = 'ObjectError';
  }
}
