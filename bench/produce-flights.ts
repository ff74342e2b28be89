/** Puts flights on the stream from a process of its own, as producers are. */
import { spawn } from 'node:child_process';
import path from 'node:path';

export interface Produced {
  /** Flights that the stream accepted. */
  readonly userRecordsAccepted: number;
  readonly cpuSeconds: number;
}

const PRODUCER = path.join(import.meta.dirname, 'e2e-producer.ts');

/** @param rows of the input, from the first; 0: all 3 million. @throws Error when the producer fails */
export function produceFlights(
  { endpoint, region }: { readonly endpoint: string; readonly region: string },
  rows: number,
): Promise<Produced> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', PRODUCER, endpoint, region, String(rows)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const output: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => output.push(part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(output).toString()));
      else reject(new Error(`the producer ended with ${code}`));
    });
  });
}
