/**
 * The producer of the end-to-end benchmark, in a process of its own as producers are: reads `flights-3m.parquet` by
 * DuckDB, and puts every row as Avro inside KPL aggregates. Arguments: endpoint, region, rows (0: all). Prints one JSON
 * object with what the stream accepted.
 */
import { fileURLToPath } from 'node:url';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { STREAM } from '../cli/start/names.ts';
import flights from '../schemas/flights/dataset.ts';
import { createKinesisPutRecords, createProducer } from '../streams/index.ts';
import { flights3mUrl } from '../streams/sources/vega.ts';

/** A timestamp as milliseconds and numbers as doubles: nothing is converted row by row. */
const SQL = `SELECT epoch_ms(date)::DOUBLE AS date, delay::INTEGER AS delay, distance::INTEGER AS distance, origin, destination
FROM read_parquet(?)`;

async function* rowsOf(connection: DuckDBConnection, rows: number): AsyncGenerator<readonly unknown[][]> {
  const statement = await connection.prepare(rows > 0 ? `${SQL} LIMIT ${rows}` : SQL);
  statement.bindVarchar(1, fileURLToPath(flights3mUrl()));
  const result = await statement.stream();
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    yield chunk.getRows();
  }
}

const [endpoint, region, rows = '0'] = process.argv.slice(2);
const client = new KinesisClient({
  endpoint,
  region,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
const producer = await createProducer({ port: createKinesisPutRecords(client), streamName: STREAM });
const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
for await (const chunk of rowsOf(connection, Number(rows))) {
  for (const [date, delay, distance, origin, destination] of chunk) {
    const wait = producer.put(flights, { date, delay, distance, origin, destination });
    if (wait) await wait;
  }
}
const metrics = await producer.close();
client.destroy();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ...metrics, cpuSeconds: (user + system) / 1e6 }));
