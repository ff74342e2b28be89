/** Puts what Firehose could not deliver to its delivery stream again, directly: the processor has counted it. */
import { ConditionFailed, type StateItem, type StateTablePort, textOf } from '../../processors/books/state-table.ts';
import type { DeliveryPort, PackedRecord } from '../../processors/ports.ts';
import { packDocuments, readMisdelivered } from './misdelivered-documents.ts';

export interface RedriveMisdeliveredPorts {
  readonly table: StateTablePort;
  /** The text of an error object. */
  readonly readErrors: (key: string) => Promise<string>;
  readonly delivery: DeliveryPort;
  readonly now: () => number;
}

/** Records and bytes of a PutRecordBatch: firehose/latest/dev/limits.html */
const RECORDS_PER_CALL_MAX = 500;
const CALL_BYTES_MAX = 4 * 1_024 * 1_024;

/**
 * Cut off in between, it is put again the next time: rows may then come twice, which reconcile names.
 * @returns documents that were accepted: all of the object
 * @throws Error saying why the object stays as it is
 */
export async function redriveMisdelivered(
  item: StateItem,
  ports: RedriveMisdeliveredPorts,
  deadlineMs: number,
): Promise<number> {
  const status = textOf(item, 'status');
  const documents = readMisdelivered(await ports.readErrors(item.sk));
  const table = textOf(item, 'table');
  const rejected: PackedRecord[] = [];
  for (const records of callsOf(packDocuments(documents))) {
    rejected.push(...(await ports.delivery.deliver({ table, records }, deadlineMs)));
  }
  if (rejected.length > 0) throw new Error(`Firehose did not accept ${rejected.length} records in time`);
  try {
    await ports.table.update({
      kind: 'update',
      key: { pk: item.pk, sk: item.sk },
      expect: { status },
      set: { status: 'redriven', updated_at: ports.now() },
    });
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    throw new Error('another redrive has put it at the same time: its rows may have come twice');
  }
  return documents.length;
}

function* callsOf(records: readonly PackedRecord[]): Generator<readonly PackedRecord[]> {
  let call: PackedRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (call.length >= RECORDS_PER_CALL_MAX || (call.length > 0 && bytes + record.data.length > CALL_BYTES_MAX)) {
      yield call;
      call = [];
      bytes = 0;
    }
    call.push(record);
    bytes += record.data.length;
  }
  if (call.length > 0) yield call;
}
