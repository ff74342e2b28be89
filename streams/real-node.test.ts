import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';

/**
 * Jest is more lenient than Node with names imported from CommonJS packages, so Node itself loads every entry point
 * here, and an aggregate goes through both directions.
 */
const SCRIPT = `
  import { createProducer } from './index.ts';
  import { createDecodeContext } from './codecs/decode-context.ts';
  import { decodeRecord } from './codecs/decode-record.ts';
  import { createEventIdentity } from './event-id.ts';
  import { createRecordIdentity } from './position.ts';
  import { earthquakeFeatures } from './sources/vega.ts';
  import { datasets } from '../schemas/index.ts';

  const records = [];
  const port = {
    listShards: async () => [],
    putRecords: async (_stream, entries) => {
      records.push(...entries);
      return entries.map(() => ({ errorCode: undefined, errorMessage: undefined, shardId: undefined }));
    },
  };
  const producer = await createProducer({ port, streamName: 'test' });
  const dataset = datasets.get('earthquakes');
  for await (const feature of earthquakeFeatures()) {
    dataset.validateInput(feature);
    await producer.put(dataset, feature);
  }
  const { userRecordsAccepted } = await producer.close();
  const context = createDecodeContext({
    datasets: datasets.values(), defaultDataset: 'earthquakes', defaultSource: 'urn:test',
  });
  const identity = createRecordIdentity('test');
  const eventIdentity = createEventIdentity();
  const eventId = Buffer.alloc(36);
  const recordIds = new Set();
  const eventIds = new Set();
  records.forEach((record, i) => {
    const ofRecord = identity.forRecord('shardId-000000000000', String(i));
    for (const event of decodeRecord(record.data, context)) {
      if (event.kind !== 'event') throw new Error(event.failure.message);
      recordIds.add(ofRecord.textOf(event.subsequenceNumber));
      eventIdentity.write(event.source, dataset.definition.id(event.value), eventId, 0);
      eventIds.add(eventId.toString());
    }
  });
  console.log(JSON.stringify({ userRecordsAccepted, recordIds: recordIds.size, eventIds: eventIds.size }));
`;

describe('real Node', () => {
  test('puts, aggregates and decodes real records', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', SCRIPT],
      { cwd: import.meta.dirname },
    );

    expect(JSON.parse(stdout)).toEqual({ userRecordsAccepted: 1_707, recordIds: 1_707, eventIds: 1_707 });
  });
});
