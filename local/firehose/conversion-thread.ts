/** Entry of the conversion thread: keeps parsing and conversion off the thread that answers requests. */
import { parentPort, workerData } from 'node:worker_threads';
import { createIntake, type Taken } from './intake.ts';
import { openSpoolFolder } from './spool.ts';
import type { ThreadAnswer, ThreadData, ThreadRequest } from './thread-messages.ts';

const { spoolFolder }: ThreadData = workerData;
const intake = createIntake(openSpoolFolder(spoolFolder));

function answer(request: ThreadRequest): Taken {
  switch (request.kind) {
    case 'configure':
      return { opened: [], sealed: intake.configure(request.plan) };
    case 'take': {
      const { buffer, byteOffset, byteLength } = request.data;
      const data = Buffer.from(buffer, byteOffset, byteLength);
      return intake.take(request.streamName, request.arrivedAtMs, data, request.ends);
    }
    case 'seal':
      return { opened: [], sealed: intake.seal(request.spoolId) };
  }
}

parentPort?.on('message', (request: ThreadRequest) => {
  let reply: ThreadAnswer;
  try {
    reply = answer(request);
  } catch (error) {
    reply = { problem: Error.isError(error) ? error.message : String(error) };
  }
  parentPort?.postMessage(reply);
});
