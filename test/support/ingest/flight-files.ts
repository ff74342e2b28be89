/** Flights as files of each format that is taken in. */
import avsc from 'avsc';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { isRecord } from '../../../schemas/describe.ts';
import flights from '../../../schemas/flights/dataset.ts';

export interface Flight {
  /** `yyyy/MM/dd HH:mm` */
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

export function isFlight(value: unknown): value is Flight {
  return isRecord(value) && typeof value.date === 'string' && typeof value.delay === 'number';
}

const NAMES = ['date', 'delay', 'distance', 'origin', 'destination'] as const;

/** With a header, and line ends as the RFC has them. */
export function csvOf(rows: readonly Flight[]): Buffer {
  const lines = rows.map((row) => NAMES.map((name) => row[name]).join(','));
  return Buffer.from([NAMES.join(','), ...lines, ''].join('\r\n'));
}

/** A container with the dataset's own schema: dates are epoch milliseconds. */
export async function avroOf(rows: readonly Flight[]): Promise<Buffer> {
  const encoder = new avsc.streams.BlockEncoder(avsc.Type.forSchema(flights.definition.schema), { codec: 'deflate' });
  const parts: Buffer[] = [];
  encoder.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise((resolve, reject) => encoder.once('end', resolve).once('error', reject));
  for (const row of rows) encoder.write({ ...row, date: Date.parse(`${row.date.replaceAll('/', '-')}Z`) });
  encoder.end();
  await ended;
  return Buffer.concat(parts);
}

export function parquetOf(rows: readonly Flight[]): Buffer {
  const type = { date: 'STRING', delay: 'INT32', distance: 'INT32', origin: 'STRING', destination: 'STRING' } as const;
  const columnData = NAMES.map((name) => ({ name, data: rows.map((row) => row[name]), type: type[name] }));
  return Buffer.from(parquetWriteBuffer({ columnData }));
}
