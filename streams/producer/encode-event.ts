/** Makes what is put of a record: validated and canonical, as Avro, or as a CloudEvent around it. */
import type { Dataset } from '../../schemas/dataset.ts';
import type { Failure } from '../../schemas/failure.ts';
import { encodeSingleObject } from '../codecs/encode-single-object.ts';
import { copyJson } from './copy-json.ts';
import { problemOfRecord } from './record-check.ts';

/** How events are told apart, and where they go. */
export interface EventOptions {
  /**
   * CloudEvents `source`, a URI such as `/usgs/earthquakes`: records are put as CloudEvents. Without, they are put as
   * plain Avro, in less than half the bytes; their source is the pipeline's default one, and their id the dataset's.
   */
  readonly source?: string;
  /** CloudEvents `id` of a record in its canonical form, unique within `source`. Default: the dataset's id. */
  readonly id?: (record: unknown, position: number) => string;
  /** W3C `traceparent` of all events; only with `source`. */
  readonly traceparent?: string;
  /** Partition key of a record in its canonical form: order is kept per key. Default: the dataset's. */
  readonly partitionKey?: (record: unknown) => string;
}

export interface EncodedEvent {
  readonly data: Buffer;
  readonly partitionKey: string;
}

/** Why a record is not put. */
export interface Unfit {
  /** One sentence. */
  readonly message: string;
  /** What the dataset's validation found; `undefined` where the record conforms, and yet cannot be put. */
  readonly failure: Failure | undefined;
}

/** @param position place of the record in the input, from 0 */
export type EncodeEvent = (record: unknown, position: number) => EncodedEvent | Unfit;

/** @throws TypeError when an option is not what is allowed */
export function createEventEncoder(dataset: Dataset, options: EventOptions, recordBytesMax: number): EncodeEvent {
  const { source, traceparent, partitionKey = dataset.definition.key } = options;
  const id = options.id ?? dataset.definition.id;
  checkOptions(options);

  function dataOf(record: unknown, position: number): Buffer {
    const avro = encodeSingleObject(dataset, record);
    if (source === undefined) return avro;
    const event = {
      specversion: '1.0',
      id: requireText('id', id(record, position)),
      source,
      type: dataset.name,
      datacontenttype: 'avro/binary',
      traceparent,
      data_base64: avro.toString('base64'),
    };
    return Buffer.from(JSON.stringify(event));
  }

  return (record, position) => {
    try {
      const canonical = copyJson(record);
      const failure = dataset.validateInput(canonical);
      if (failure !== undefined) return { message: failure.message, failure };
      const key = partitionKey(canonical);
      const data = dataOf(canonical, position);
      const problem = problemOfRecord(data, key, recordBytesMax);
      return problem === undefined ? { data, partitionKey: key } : { message: problem, failure: undefined };
    } catch (error) {
      // What the caller's functions, or a getter of the record, throw is of this record alone.
      return { message: Error.isError(error) ? error.message : String(error), failure: undefined };
    }
  };
}

function checkOptions({ source, id, traceparent }: EventOptions): void {
  if (source !== undefined) requireText('source', source);
  else if (id !== undefined || traceparent !== undefined) {
    throw new TypeError(
      'id and traceparent: received without source, allowed: with source, since plain Avro has none.',
    );
  }
}

function requireText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
  const received = typeof value === 'string' ? JSON.stringify(value) : typeof value;
  throw new TypeError(`${name}: received ${received}, allowed: a text of well-formed Unicode that is not empty.`);
}
