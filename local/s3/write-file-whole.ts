/** Writes the content of an object from a request or from another object, measured and checked as it comes. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** Runs `write` with a stream of bytes to a new file; the file does not outlive a failure. */
export async function writeFileWhole<Result>(
  file: string,
  write: (save: (bytes: AsyncIterable<Buffer>) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  try {
    return await write((bytes) => pipeline(bytes, createWriteStream(file, { flags: 'wx' })));
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}
