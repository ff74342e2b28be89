/** Every object that appeared is entered once, and its partition is registered. */
import { landedKey, MISDELIVERED, PARKED, partitionLedgerKey } from '../../processors/books/keys.ts';
import { integerOf, numberOf, type StateTablePort } from '../../processors/books/state-table.ts';
import { fingerprintOf } from './expected-groups.ts';
import type { LandedObject } from './firehose.ts';
import { PROCESSED_BUCKET } from './objects.ts';
import type { StreamedRecord } from './stream.ts';
import { Violation } from './violation.ts';

export interface ObjectsWorld {
  readonly table: StateTablePort;
  readonly objects: readonly LandedObject[];
  readonly parked: readonly ParkedDocument[];
  readonly registered: ReadonlySet<string>;
}

export interface ParkedDocument {
  readonly key: string;
  readonly records: readonly StreamedRecord[];
  /** When they were given up, epoch milliseconds. */
  readonly atMs: number;
}

const ERRORS = 'errors/';

/** @throws Violation */
export async function auditObjects(world: ObjectsWorld): Promise<void> {
  const landed = world.objects.filter(({ key }) => !key.startsWith(ERRORS));
  for (const object of landed) await checkLanded(world, object);
  for (const [place, ofPlace] of Map.groupBy(landed, ({ key }) => key.slice(0, key.lastIndexOf('/') + 1))) {
    await checkPartition(world, place, ofPlace);
  }
  await checkMisdelivered(world);
  await checkParked(world);
}

async function checkLanded({ table }: ObjectsWorld, { table: name, key, rows }: LandedObject): Promise<void> {
  const item = await table.get(landedKey(name, key));
  if (item && numberOf(item, 'rows') === rows.length) return;
  throw new Violation('what lands is counted', `${key} of ${rows.length} rows: ${item && numberOf(item, 'rows')}`);
}

/** @param place `orders/dt=2026-06-01/`, or with an hour */
async function checkPartition(world: ObjectsWorld, place: string, objects: readonly LandedObject[]) {
  if (!world.registered.has(`s3://${PROCESSED_BUCKET}/${place}`)) {
    throw new Violation('partitions are registered', `${place} is not`);
  }
  const [, name = '', dt = '', hour] = /^([^/]+)\/dt=([^/]+)\/(?:hour=(\d\d)\/)?$/.exec(place) ?? [];
  const item = await world.table.get(partitionLedgerKey(name, hour === undefined ? dt : `${dt}T${hour}`));
  const rows = objects.reduce((sum, object) => sum + object.rows.length, 0);
  const said = [numberOf(item, 'landed'), numberOf(item, 'objects')];
  if (said[0] === rows && said[1] === objects.length) return;
  throw new Violation('landed once', `${place}: ${rows} rows in ${objects.length} objects, and the books say ${said}`);
}

async function checkMisdelivered({ table, objects }: ObjectsWorld): Promise<void> {
  const items = new Map((await table.query(MISDELIVERED)).map((item) => [item.sk, item]));
  for (const { key, rows } of objects.filter((object) => object.key.startsWith(ERRORS))) {
    const documents = numberOf(items.get(key), 'documents');
    if (documents !== rows.length) {
      throw new Violation('what is not delivered is entered', `${key}: ${documents} of ${rows.length} documents`);
    }
  }
}

async function checkParked({ table, parked }: ObjectsWorld): Promise<void> {
  const items = new Map((await table.query(PARKED)).map((item) => [item.sk, item]));
  for (const { key, records } of parked) {
    const item = items.get(key);
    const fingerprint = records.reduce((sum, record) => sum + BigInt(fingerprintOf(record)), 0n);
    if (numberOf(item, 'records') === records.length && integerOf(item, 'fingerprint') === fingerprint) continue;
    const said = `${numberOf(item, 'records')} records, ${integerOf(item, 'fingerprint')}`;
    throw new Violation(
      'what is parked is entered',
      `${key}: ${records.length} records, ${fingerprint}; said: ${said}`,
    );
  }
}
