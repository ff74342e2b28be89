/** Writes the content of an object from a request or from another object, measured and checked as it comes. */
import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** Runs `write` with a stream of bytes to a new file; the file does not outlive a failure. */
export async function writeFileWhole<Result>(
  file: string,
  write: (save: (bytes: AsyncIterable<Buffer>) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  try {
    return await write(async (bytes) => {
      // A stream that opens the file by itself may do so after its failure is told, and so after the file was removed.
      const handle = await open(file, 'wx');
      await pipeline(bytes, handle.createWriteStream());
    });
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}
