import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import { required } from '../../processors/adapters/environment.ts';
import { createKinesisNamedStream } from '../../processors/adapters/kinesis-stream-info.ts';
import { writeLine } from '../../processors/adapters/write-line.ts';
import { createLedgerHandler } from '../ledger/handler.ts';

const settings = {
  streamName: required('STREAM_NAME'),
  metricsNamespace: process.env.METRICS_NAMESPACE ?? 'DataPipeline',
};

export const handler = createLedgerHandler(settings, {
  table: createDynamoDbStateTable({ client: new DynamoDBClient({}), tableName: required('STATE_TABLE') }),
  streams: createKinesisNamedStream(new KinesisClient({})),
  clock: { now: Date.now },
  log: writeLine,
});
