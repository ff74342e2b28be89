/**
 * Puts a file of NDJSON, a record a line, on the stream:
 *
 *     npx node streams/examples/put-events.ts earthquakes earthquakes.ndjson data-pipeline-stream
 *
 * `npx node` is the Node that package-lock.json pins: one before 22.18 does not run TypeScript.
 * The client finds region, credentials and endpoint as every AWS client does (`AWS_REGION`, `AWS_ENDPOINT_URL`, …).
 * Ends with status 1 when a record is not on the stream, after naming it.
 */
import { open } from 'node:fs/promises';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { createEventProducer, createKinesisPutRecords, PutEventsError } from '../index.ts';

const [dataset = '', file = '', streamName = 'data-pipeline-stream'] = process.argv.slice(2);

/** The records of the file, one after the other: however long it is, only what is under way is in memory. */
async function* recordsOf(path: string): AsyncGenerator<unknown> {
  const handle = await open(path);
  for await (const line of handle.readLines()) if (line.trim() !== '') yield JSON.parse(line);
}

// The producer decides what is sent again, and says what may be on the stream twice by it.
const kinesis = new KinesisClient({ maxAttempts: 1 });
const producer = await createEventProducer({ port: createKinesisPutRecords(kinesis), streamName });

try {
  const { accepted } = await producer.putEvents(dataset, recordsOf(file), {
    whenRefused({ position, message }) {
      console.error(`record ${position} was refused: ${message}`);
      process.exitCode = 1;
    },
  });
  console.log(`${accepted} records accepted`);
} catch (error) {
  if (!(error instanceof PutEventsError)) throw error;
  console.error(error.message);
  for (const { position, mayBeOnStream } of error.unaccepted) {
    console.error(`record ${position} is not accepted${mayBeOnStream ? ', though it may be on the stream' : ''}`);
  }
  process.exitCode = 1;
} finally {
  const { recordsAccepted, recordsResent, acceptanceMsMean } = await producer.close().catch(() => producer.metrics());
  console.log(
    `${recordsAccepted} Kinesis records, ${recordsResent} resent, ${acceptanceMsMean.toFixed(0)} ms on average`,
  );
  kinesis.destroy();
}
