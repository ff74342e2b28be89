/**
 * Request models: JSON schema draft 4, and what is wrong with a body in the words of the validator that API Gateway uses
 * (`object has missing required properties (["id"])`).
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
 */
import type { ErrorObject } from 'ajv';
import Draft04 from 'ajv-draft-04';
import { parsePlainJson, UnreadableJson } from './vtl/parse-json.ts';

/** Gives `validationErrorString`: `[…, …]`; undefined for a body that is valid. */
export type ValidateBody = (body: string) => string | undefined;

/** Errors that are told of one body, and characters of what a client sent in each. */
const ERRORS_MAX = 20;
const EXCERPT_CHARACTERS_MAX = 200;

/** Definition errors are thrown by Ajv with the place in the schema. @param schema JSON schema, draft 4 */
export function compileModel(schema: Readonly<Record<string, unknown>>): ValidateBody {
  const ajv = new Draft04.default({
    allErrors: false,
    strict: false,
    validateFormats: false,
    logger: false,
    verbose: true,
  });
  const validate = ajv.compile(schema);
  return (body) => {
    const read = readBody(body);
    if (read.problem !== undefined) return `[${read.problem}]`;
    if (validate(read.value)) return undefined;
    return `[${(validate.errors ?? []).slice(0, ERRORS_MAX).map(describe).join(', ')}]`;
  };
}

type ReadBody = { readonly value: unknown; readonly problem?: undefined } | { readonly problem: string };

/** What templates cannot read is refused here. */
function readBody(body: string): ReadBody {
  try {
    return { value: parsePlainJson(body) };
  } catch (error) {
    if (error instanceof UnreadableJson) return { problem: `request body is not JSON: ${error.message}` };
    throw error;
  }
}

function describe(error: ErrorObject): string {
  const where = error.instancePath === '' ? '' : `${error.instancePath}: `;
  return where + reason(error);
}

function reason({ keyword, params, data, message, schema, parentSchema }: ErrorObject): string {
  const limit = String(params.limit);
  switch (keyword) {
    case 'type':
      return `instance type (${typeOf(data)}) does not match any allowed primitive type (allowed: ${json([schema].flat())})`;
    case 'required':
      return `object has missing required properties (${json(missing(data, parentSchema?.required))})`;
    case 'additionalProperties':
      return `object instance has properties which are not allowed by the schema: ${json([params.additionalProperty])}`;
    case 'enum':
      return `instance value (${json(data)}) not found in enum (possible values: ${json(params.allowedValues)})`;
    case 'minimum':
      return `numeric instance is lower than the required minimum (minimum: ${limit}, found: ${json(data)})`;
    case 'maximum':
      return `numeric instance is greater than the required maximum (maximum: ${limit}, found: ${json(data)})`;
    case 'minLength':
      return `string ${json(data)} is too short (length: ${String(data).length}, required minimum: ${limit})`;
    case 'maxLength':
      return `string ${json(data)} is too long (length: ${String(data).length}, maximum allowed: ${limit})`;
    case 'pattern':
      return `ECMA 262 regex ${json(params.pattern)} does not match input string ${json(data)}`;
    case 'minItems':
      return `array is too short: must have at least ${limit} elements but instance has ${lengthOf(data)} elements`;
    case 'maxItems':
      return `array is too long: must have at most ${limit} elements but instance has ${lengthOf(data)} elements`;
    default:
      return message ?? keyword;
  }
}

function missing(data: unknown, required: unknown): readonly unknown[] {
  const names: readonly unknown[] = Array.isArray(required) ? required : [];
  return names.filter((name) => typeof data === 'object' && data !== null && !Object.hasOwn(data, String(name)));
}

function typeOf(data: unknown): string {
  if (data === null) return 'null';
  if (Array.isArray(data)) return 'array';
  return Number.isInteger(data) ? 'integer' : typeof data;
}

function lengthOf(data: unknown): number {
  return Array.isArray(data) ? data.length : 0;
}

function json(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > EXCERPT_CHARACTERS_MAX ? `${text.slice(0, EXCERPT_CHARACTERS_MAX)}…` : text;
}
