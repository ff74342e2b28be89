/**
 * An Avro input schema as a model of API Gateway: JSON Schema draft 4. It refuses early, with a reason, what the validator
 * (`validate.ts`) would refuse later; and never what that accepts, in any of its spellings. Where JSON Schema cannot say it
 * exactly, such as which days exist, the model lets it pass, and the pipeline decides.
 *
 * One difference is left: a model reads numbers as they are written, so that `1.00000000000000000001` is not whole.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
 */
import { type AvroField, type AvroType, parseSchema } from './avro-type.ts';
import type { Dataset } from './dataset.ts';

/** A JSON Schema, draft 4, of the keywords that are used here. */
export interface RequestModel {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: RequestModel;
  readonly properties?: Readonly<Record<string, RequestModel>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | RequestModel;
}

const DRAFT = 'http://json-schema.org/draft-04/schema#';
/** Events of one Kinesis record: `EVENTS_PER_RECORD_MAX` of `streams/codecs/decode-context.ts`. */
export const BATCH_EVENTS_MAX = 10_000;
const INT = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const LONG = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
/** No number that rounds to the largest float is beyond it. */
const FLOAT = { minimum: -3.4028235e38, maximum: 3.4028235e38 };
const UUID = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$';

/** The body of one event. */
export function eventModel({ name, definition }: Dataset): RequestModel {
  const type = parseSchema(definition.schema, `${name}/schema.avsc`);
  return { $schema: DRAFT, title: name, ...modelOf(type, definition.unknownFields ?? 'ignore') };
}

/** The body of a batch. What its elements are is left to the pipeline, so that a bad one takes no other with it. */
export function batchModel({ name }: Dataset): RequestModel {
  const description = `Events of ${name}, each judged by itself`;
  return {
    $schema: DRAFT,
    title: `${name} batch`,
    description,
    type: 'array',
    minItems: 1,
    maxItems: BATCH_EVENTS_MAX,
  };
}

type UnknownFields = 'report' | 'ignore';

function modelOf(type: AvroType, unknownFields: UnknownFields): RequestModel {
  switch (type.kind) {
    case 'nullable':
      return orNull(modelOf(type.of, unknownFields));
    case 'record':
      return recordModel(type.fields, type.doc, unknownFields);
    case 'array':
      return { type: 'array', items: modelOf(type.items, unknownFields) };
    case 'map':
      return { type: 'object', additionalProperties: modelOf(type.values, unknownFields) };
    case 'boolean':
      return { type: 'boolean' };
    // `integer` of draft 4 is written without a fraction, and would refuse 1.0.
    case 'int':
      return { type: 'number', multipleOf: 1, ...INT };
    case 'long':
      return { type: 'number', multipleOf: 1, ...LONG };
    case 'float':
      return { type: 'number', ...FLOAT };
    case 'double':
      return { type: 'number' };
    case 'timestamp-millis':
    case 'timestamp-micros':
    case 'decimal':
      return { type: ['number', 'string'] };
    case 'uuid':
      return { type: 'string', pattern: UUID };
    case 'enum':
      return { enum: type.symbols };
    case 'string':
    case 'date':
    case 'bytes':
    case 'fixed':
      return { type: 'string' };
  }
}

function recordModel(fields: readonly AvroField[], doc: string, unknownFields: UnknownFields): RequestModel {
  const required = fields.filter((field) => field.default === undefined).map(({ name }) => name);
  return {
    ...described(doc),
    type: 'object',
    properties: Object.fromEntries(
      fields.map(({ name, doc: of, type }) => [name, { ...described(of), ...modelOf(type, unknownFields) }]),
    ),
    // Draft 4 has no empty list here.
    ...(required.length === 0 ? {} : { required }),
    ...(unknownFields === 'report' ? { additionalProperties: false } : {}),
  };
}

function described(doc: string): RequestModel {
  return doc === '' ? {} : { description: doc };
}

/**
 * The other keywords say nothing of null, so that only the type and the list of values need it. A list cannot have it:
 * CloudFormation refuses a template that has a null.
 */
function orNull({ enum: symbols, type, ...model }: RequestModel): RequestModel {
  // Symbols are names of Avro, which mean themselves in a pattern.
  if (symbols) return { ...model, type: ['string', 'null'], pattern: `^(?:${symbols.join('|')})$` };
  return { ...model, ...(type === undefined ? {} : { type: [type, 'null'].flat() }) };
}
