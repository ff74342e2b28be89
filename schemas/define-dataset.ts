/** Checks a dataset's definition and compiles it: whatever the stages need of a schema is made here, once, at start. */
import { type AvroType, parseSchema } from './avro-type.ts';
import { dayFromText } from './calendar.ts';
import { schemaFingerprint } from './canonical-form.ts';
import { checkSchedules } from './check-schedules.ts';
import { PIPELINE_COLUMNS } from './columns.ts';
import type { Dataset, DatasetDefinition, FileOptions } from './dataset.ts';
import { shown } from './describe.ts';
import { glueColumns, timestampFields } from './glue-columns.ts';
import { compileQuality } from './quality.ts';
import { compileReader } from './read-avro.ts';
import { compileValidator } from './validate.ts';
import { compileWriter } from './write-avro.ts';

const NAME = /^[a-z][a-z0-9_]{0,62}$/;
/** Tables of the pipeline itself. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['failed_events', 'processed_data', 'errors']);
/** Names of fields, as Avro has them, with dots between. */
const KEY_FIELD = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;
const DURATION = /^P(?=.)(?:(\d{1,5})D)?(?:T(\d{1,5})H)?$/;
/** What separates fields and cannot be part of one without quotes. */
const CSV_DELIMITER = /^[\t !#-/:-@[-`{-~]$/;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Start of an Avro single-object encoding: Apache Avro specification 1.12, "Single object encoding specification". */
const SINGLE_OBJECT_MARKER = [0xc3, 0x01] as const;

/**
 * @returns the compiled dataset. Its record types are erased: every value passes the validator or the Avro reader before
 *   a function of the definition sees it.
 * @throws TypeError when the definition is wrong: what is wrong, what was received, what is allowed
 */
export function defineDataset<In, Out>(definition: DatasetDefinition<In, Out>): Dataset {
  const { name } = definition;
  checkDefinition(definition);
  const input = parseRecord(definition.schema, `${name}/schema.avsc`);
  const output = parseRecord(definition.output, `${name}/output.avsc`);
  const fingerprint = schemaFingerprint(definition.schema);
  return Object.freeze({
    // Sound because of the erasure above; TypeScript cannot see that a validator ran.
    definition: definition as unknown as DatasetDefinition<unknown, unknown>,
    name,
    schemaVersion: fingerprint.toString(16).padStart(16, '0'),
    singleObjectHeader: singleObjectHeader(fingerprint),
    decodeAvro: compileReader(input),
    encodeAvro: compileWriter(input),
    validateInput: compileValidator(
      { parsed: input },
      { stage: 'validate', unknownFields: definition.unknownFields ?? 'ignore', spellings: 'json', mapKeys: 'any' },
    ),
    validateOutput: compileValidator(
      { parsed: output },
      { stage: 'transform', unknownFields: 'report', spellings: 'json', mapKeys: 'lower-case' },
    ),
    score: compileQuality(definition.quality, output, `${name}/quality.dqdl`),
    eventTimeFromMs: dayMs(definition.eventTimeWindow.from, name),
    eventTimeAheadMsMax: durationMs(definition.eventTimeWindow.aheadOfNow, name),
    columns: Object.freeze([...glueColumns(output, `${name}/output.avsc`), ...PIPELINE_COLUMNS]),
    timestampFields: Object.freeze(timestampFields(output)),
  });
}

function checkDefinition<In, Out>(definition: DatasetDefinition<In, Out>): void {
  const { name, partition, keyField, unknownFields = 'ignore', qualityThreshold = 0 } = definition;
  if (!NAME.test(name)) refuse('dataset name', name, NAME.source);
  if (RESERVED_NAMES.has(name)) refuse('dataset name', name, `any but ${[...RESERVED_NAMES].join(', ')}`);
  if (partition !== 'day' && partition !== 'hour') refuse(`${name}: partition`, partition, '"day" or "hour"');
  if (unknownFields !== 'report' && unknownFields !== 'ignore') {
    refuse(`${name}: unknownFields`, unknownFields, '"report" or "ignore"');
  }
  if (!(qualityThreshold >= 0 && qualityThreshold <= 1)) {
    refuse(`${name}: qualityThreshold`, qualityThreshold, 'a number from 0 to 1');
  }
  if (keyField !== undefined && !KEY_FIELD.test(keyField)) refuse(`${name}: keyField`, keyField, KEY_FIELD.source);
  for (const part of ['eventTime', 'id', 'key', 'transform'] as const) {
    if (typeof definition[part] !== 'function')
      refuse(`${name}: ${part}`, definition[part], 'a function of the record');
  }
  if (definition.files !== undefined) checkFiles(definition.files, name);
  checkSchedules(name, definition.schedules ?? []);
}

function checkFiles(files: FileOptions, name: string): void {
  const { recordPath, csvColumns, csvDelimiter } = files;
  if (recordPath !== undefined && !(typeof recordPath === 'string' && recordPath.split('.').every((part) => part))) {
    refuse(`${name}: files.recordPath`, recordPath, 'property names joined by dots, such as features');
  }
  if (csvColumns !== undefined) {
    const isList = Array.isArray(csvColumns) && csvColumns.every((column) => typeof column === 'string' && column);
    if (!isList || csvColumns.length === 0 || new Set(csvColumns).size < csvColumns.length) {
      refuse(`${name}: files.csvColumns`, csvColumns, 'one name or more, each once and not empty');
    }
  }
  if (csvDelimiter !== undefined && !CSV_DELIMITER.test(csvDelimiter)) {
    refuse(
      `${name}: files.csvDelimiter`,
      csvDelimiter,
      'one character of ASCII, no quote, letter, digit or end of line',
    );
  }
}

function refuse(what: string, received: unknown, allowed: string): never {
  throw new TypeError(`${what}: received ${shown(received)}, allowed: ${allowed}`);
}

function parseRecord(schema: DatasetDefinition<unknown, unknown>['schema'], root: string): AvroType {
  const type = parseSchema(schema, root);
  return type.kind === 'record' ? type : refuse(root, type.kind, 'a record');
}

function singleObjectHeader(fingerprint: bigint): Uint8Array {
  const header = Buffer.alloc(10);
  header.set(SINGLE_OBJECT_MARKER);
  header.writeBigUInt64LE(fingerprint, SINGLE_OBJECT_MARKER.length);
  return header;
}

function dayMs(text: string, name: string): number {
  const day = text.length === 10 && text[4] === '-' ? dayFromText(text) : undefined;
  return day === undefined ? refuse(`${name}: eventTimeWindow.from`, text, 'a day, yyyy-MM-dd') : day * DAY_MS;
}

function durationMs(text: string, name: string): number {
  const match = DURATION.exec(text);
  if (!match || text.endsWith('T')) {
    return refuse(`${name}: eventTimeWindow.aheadOfNow`, text, 'days and hours such as P1D, PT6H or P1DT12H');
  }
  return Number(match[1] ?? 0) * DAY_MS + Number(match[2] ?? 0) * HOUR_MS;
}
