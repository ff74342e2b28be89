/** Runs the seeds that the main thread sends, one after another. */
import { parentPort } from 'node:worker_threads';
import { reportSeed } from './seed-report.ts';

// Thousands of errors are made a second, of faults that are meant; `--seed` shows the stack of one that is not.
Error.stackTraceLimit = 0;

const port = parentPort;
if (port === null) throw new Error('simulate-worker: started as a program, allowed: as a worker of simulate.ts');

port.on('message', (seed: number) => {
  void reportSeed(seed).then((report) => port.postMessage(report));
});
