/** Receives large request bodies into buffers that are used again: fresh memory for 14 MB a call costs as much as parsing. */
import { finished, type Readable } from 'node:stream';
import { AwsError } from '../service.ts';

export interface ReceivedBody {
  readonly bytes: Buffer;
  /** After this the bytes belong to another call. */
  readonly release: () => void;
}

const BUFFERS_KEPT_MAX = 3;

export interface BodyReceiver {
  /**
   * @param length what `content-length` says, at most `bytesMax`
   * @throws Error when the body breaks off, AwsError `SerializationException` when it is not as long as it says
   */
  readonly receive: (body: Readable, length: number) => Promise<ReceivedBody>;
}

/** @param bytesMax size of each buffer */
export function createBodyReceiver(bytesMax: number): BodyReceiver {
  const free: Buffer[] = [];
  return {
    receive(body, length) {
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(bytesMax);
      const release = (): void => {
        if (free.length < BUFFERS_KEPT_MAX) free.push(buffer);
      };
      return new Promise((resolve, reject) => {
        let received = 0;
        body.on('data', (part: Buffer) => {
          // What comes beyond the declared length is counted and not kept.
          if (received + part.length <= length) part.copy(buffer, received);
          received += part.length;
        });
        finished(body, { writable: false }, (error) => {
          if (!error && received === length) return resolve({ bytes: buffer.subarray(0, length), release });
          release();
          const mismatch = `The request body has ${received} bytes; content-length says ${length}.`;
          reject(error ?? new AwsError('SerializationException', mismatch));
        });
      });
    },
  };
}
