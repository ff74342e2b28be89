/**
 * An Avro output schema as Glue columns. Refused at definition is what Firehose's OpenX JSON reader is not sure to
 * convert as it stands: a record that is refused later, or changed on the way, would be worse.
 */
import type { AvroField, AvroType } from './avro-type.ts';
import { PARTITION_KEYS, PIPELINE_COLUMNS } from './columns.ts';
import type { Column } from './dataset.ts';

const SIMPLE: ReadonlyMap<AvroType['kind'], string> = new Map([
  ['boolean', 'boolean'],
  ['int', 'int'],
  ['long', 'bigint'],
  ['float', 'float'],
  ['double', 'double'],
  ['string', 'string'],
  ['uuid', 'string'],
  ['enum', 'string'],
  ['date', 'date'],
]);

/** OpenX matches names without case, so only lower case says which field is meant; `_` begins the pipeline's own. */
const COLUMN_NAME = /^[a-z][a-z0-9_]*$/;
/** Characters of a column name: AWS Glue API, `Column.Name`. */
const COLUMN_NAME_CHARACTERS_MAX = 255;
/** Characters of a column comment: AWS Glue API, `Column.Comment`. */
const COMMENT_CHARACTERS_MAX = 255;

/**
 * @param root what error messages call the schema
 * @throws TypeError naming the field, what it is and what is allowed
 */
export function glueColumns(output: AvroType, root = 'output'): readonly Column[] {
  if (output.kind !== 'record') throw new TypeError(`${root}: received ${output.kind}, allowed: a record`);
  const taken = new Set([...PIPELINE_COLUMNS, ...PARTITION_KEYS.hour].map(({ name }) => name));
  return output.fields.map((field) => {
    const path = `${root}.${field.name}`;
    checkName(field, path);
    if (taken.has(field.name)) {
      throw new TypeError(`${path}: a column that the pipeline adds; allowed: any name but ${[...taken].join(', ')}`);
    }
    const { of } = field.type.kind === 'nullable' ? field.type : { of: field.type };
    // Timestamps are formatted by column, so they are columns of their own.
    const type = of.kind === 'timestamp-millis' ? 'timestamp' : hiveType(of, path);
    return { name: field.name, type, comment: field.doc.slice(0, COMMENT_CHARACTERS_MAX) };
  });
}

/** Names of the columns that hold timestamps. */
export function timestampFields(output: AvroType): readonly string[] {
  if (output.kind !== 'record') return [];
  return output.fields
    .filter(({ type }) => (type.kind === 'nullable' ? type.of : type).kind === 'timestamp-millis')
    .map(({ name }) => name);
}

function checkName({ name }: AvroField, path: string): void {
  if (COLUMN_NAME.test(name) && name.length <= COLUMN_NAME_CHARACTERS_MAX) return;
  throw new TypeError(
    `${path}: column name ${JSON.stringify(name)}, allowed: ${COLUMN_NAME.source}, at most ${COLUMN_NAME_CHARACTERS_MAX} characters`,
  );
}

function hiveType(type: AvroType, path: string): string {
  switch (type.kind) {
    case 'nullable':
      return hiveType(type.of, path);
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'array':
      return `array<${hiveType(type.items, `${path}[]`)}>`;
    case 'map':
      return `map<string,${hiveType(type.values, `${path}{}`)}>`;
    case 'record':
      return `struct<${type.fields.map((field) => structField(field, `${path}.${field.name}`)).join(',')}>`;
    default: {
      const simple = SIMPLE.get(type.kind);
      if (simple) return simple;
      const why = type.kind.startsWith('timestamp')
        ? 'a timestamp is a timestamp-millis column of its own'
        : 'JSON has no bytes';
      throw new TypeError(
        `${path}: ${type.kind} is not sure to convert (${why}), allowed: ${[...SIMPLE.keys()].join(', ')}, decimal, array, map, record`,
      );
    }
  }
}

function structField(field: AvroField, path: string): string {
  checkName(field, path);
  return `${field.name}:${hiveType(field.type, path)}`;
}
