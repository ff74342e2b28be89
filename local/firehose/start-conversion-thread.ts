/** The conversion thread, as the service uses it. It starts with the first request. */
import { Worker } from 'node:worker_threads';
import type { Taken } from './intake.ts';
import type { ThreadAnswer, ThreadData, ThreadRequest } from './thread-messages.ts';

export interface ConversionThread {
  /** @throws Error with what the thread could not do at all */
  ask(request: ThreadRequest): Promise<Taken>;
  busy(): boolean;
  stop(): Promise<void>;
}

interface Waiting {
  readonly resolve: (taken: Taken) => void;
  readonly reject: (error: Error) => void;
}

/** @param onLost called when the thread has ended by itself: it has forgotten its streams and open spools */
export function startConversionThread(data: ThreadData, onLost: () => void): ConversionThread {
  const waiting: Waiting[] = [];
  let worker: Worker | undefined;
  let stopped = false;

  function started(): Worker {
    if (worker) return worker;
    const thread = new Worker(new URL('./conversion-thread.ts', import.meta.url), { workerData: data });
    thread.on('message', (answer: ThreadAnswer) => {
      const asked = waiting.shift();
      if ('problem' in answer) asked?.reject(new Error(answer.problem));
      else asked?.resolve(answer);
      if (waiting.length === 0) thread.unref();
    });
    const broken = (error: Error): void => {
      if (worker !== thread) return;
      worker = undefined;
      for (const asked of waiting.splice(0)) asked.reject(error);
      if (!stopped) onLost();
    };
    thread.on('error', broken);
    thread.on('exit', (code) => broken(new Error(`The conversion thread of Firehose ended with code ${code}.`)));
    worker = thread;
    return thread;
  }

  return {
    ask(request) {
      return new Promise((resolve, reject) => {
        if (stopped) return reject(new Error('The local Firehose has been stopped.'));
        const thread = started();
        waiting.push({ resolve, reject });
        // The thread holds the process only while it owes an answer.
        thread.ref();
        thread.postMessage(request, request.kind === 'take' ? [request.data.buffer as ArrayBuffer] : []);
      });
    },
    busy: () => waiting.length > 0,
    async stop() {
      stopped = true;
      await worker?.terminate();
    },
  };
}
