/**
 * Row-level validation, compiled from an Avro schema once into one JavaScript function a record, array or map type.
 *
 * A compiled validator returns the first failure in schema order, or `undefined`; on the passing path it allocates
 * nothing. It fills missing fields that have a default, and turns other accepted spellings (see `scalar-rules.ts`) into
 * the canonical form, both in place: the value must be the caller's own, and is left half done when it fails.
 *
 * Names from the schema reach the generated source only through `JSON.stringify`.
 */
import type { Schema } from 'avsc';
import { type AvroField, type AvroType, parseSchema, type RecordType } from './avro-type.ts';
import type { Validate } from './dataset.ts';
import { describe } from './describe.ts';
import type { FailureStage } from './failure.ts';
import { failureOf, type Problem, problem, within } from './problem.ts';
import { type ScalarRule, type Settled, scalarRule } from './scalar-rules.ts';

export interface ValidatePolicy {
  /** Fields that the schema does not know. */
  readonly unknownFields: 'report' | 'ignore';
  /** The stage that failures carry; in `transform` their code is `INVALID_OUTPUT`. */
  readonly stage: Extract<FailureStage, 'validate' | 'transform'>;
  /** `json` accepts other spellings and missing defaults; `canonical` accepts what the codec writes, and changes nothing. */
  readonly spellings: 'json' | 'canonical';
  /** `lower-case` refuses map keys with capitals: Firehose's OpenX reader would change them. */
  readonly mapKeys: 'any' | 'lower-case';
}

/** Items of one array, or entries of one map: what a Firehose record of 1,000 KiB can hold twice over. */
export const ITEMS_MAX = 100_000;

type Check = (value: unknown) => Problem | undefined;

/**
 * @param schema an Avro schema, or the tree that `parseSchema` made of it
 * @throws TypeError when the schema is not supported, or a default does not conform to its type
 */
export function compileValidator(schema: Schema | ParsedSchema, policy: ValidatePolicy): Validate {
  const type = isParsed(schema) ? schema.parsed : parseSchema(schema);
  const check = compileCheck(type, policy);
  const { stage } = policy;
  const code = stage === 'transform' ? 'INVALID_OUTPUT' : undefined;
  return (value) => {
    const found = check(value);
    return found === undefined ? undefined : failureOf(found, stage, code);
  };
}

/** A schema that has been parsed already. */
export interface ParsedSchema {
  readonly parsed: AvroType;
}

function isParsed(schema: Schema | ParsedSchema): schema is ParsedSchema {
  return typeof schema === 'object' && 'parsed' in schema;
}

function compileCheck(type: AvroType, policy: ValidatePolicy): Check {
  const source = new SourceBuilder(policy);
  // The whole value is checked as if it were the only item of a list, so that a scalar has a place to be put.
  const body = `const x = value;\n${source.checkOf(type, { read: 'x', put: (expression) => `void (${expression});`, step: '""' })}`;
  const functions = `${source.functions.join('\n')}\nreturn function check(value) {\n${body}\nreturn undefined;\n}`;
  // Made of the schema, at start, never of a record.
  return new Function('problem', 'within', 'isProblem', 'rules', functions)(problem, within, isProblem, source.rules);
}

/** Where a value is: how generated code reads it, replaces it, and names the step to it. */
interface Place {
  /** Name of the variable that holds the value. */
  readonly read: string;
  readonly put: (expression: string) => string;
  /** Source text of the path step; `""` for the whole. */
  readonly step: string;
}

class SourceBuilder {
  readonly functions: string[] = [];
  readonly rules: ScalarRule['settle'][] = [];
  readonly #policy: ValidatePolicy;
  readonly #names = new Map<AvroType, string>();
  #variables = 0;

  constructor(policy: ValidatePolicy) {
    this.#policy = policy;
  }

  /** Statements that return a problem when the value at `place` does not conform. */
  checkOf(type: AvroType, place: Place): string {
    switch (type.kind) {
      case 'nullable':
        return `if (${place.read} !== null) {\n${this.checkOf(type.of, place)}\n}`;
      case 'record':
      case 'array':
      case 'map': {
        const found = this.#variable('f');
        const name = this.#functionOf(type);
        return `const ${found} = ${name}(${place.read});\nif (${found} !== undefined) return ${wrap(found, place)};`;
      }
      default:
        return this.#scalarCheck(scalarRule(type), place);
    }
  }

  #scalarCheck(rule: ScalarRule, place: Place): string {
    const settled = this.#variable('s');
    const put = this.#policy.spellings === 'json' ? place.put(settled) : '';
    const index = this.rules.push(this.#policy.spellings === 'json' ? rule.settle : canonicalOnly(rule)) - 1;
    const accept = rule.spellings
      ? `if (isProblem(${settled})) return ${wrap(settled, place)};\nif (${settled} !== ${place.read}) { ${put} }`
      : `return ${wrap(settled, place)};`;
    return `if (!(${rule.test(place.read)})) {\nconst ${settled} = rules[${index}](${place.read});\n${accept}\n}`;
  }

  #functionOf(type: Extract<AvroType, { kind: 'record' | 'array' | 'map' }>): string {
    const known = this.#names.get(type);
    if (known) return known;
    const name = `${type.kind}${this.#names.size}`;
    this.#names.set(type, name);
    const body =
      type.kind === 'record'
        ? this.#record(type)
        : type.kind === 'array'
          ? this.#array(type.items)
          : this.#map(type.values);
    this.functions.push(`function ${name}(r) {\n${body}\nreturn undefined;\n}`);
    return name;
  }

  #record({ fields }: RecordType): string {
    const isObject = 'typeof r !== "object" || r === null || Array.isArray(r) || Buffer.isBuffer(r)';
    const lines = [`if (${isObject}) return problem("WRONG_TYPE", "", "object", r);`];
    for (const field of fields) lines.push(this.#field(field));
    if (this.#policy.unknownFields === 'report') lines.push(unknownFieldCheck(fields));
    return lines.join('\n');
  }

  #field(field: AvroField): string {
    const value = this.#variable('v');
    const name = JSON.stringify(field.name);
    // A name such as `constructor` would read from the prototype of every object.
    const inherited = field.name in Object.prototype;
    const read = inherited ? `Object.hasOwn(r, ${name}) ? r[${name}] : undefined` : `r[${name}]`;
    const put = (expression: string) => `r[${name}] = ${expression};`;
    const present = this.checkOf(field.type, { read: value, put, step: name });
    const missing =
      field.default !== undefined && this.#policy.spellings === 'json'
        ? put(this.#defaultOf(field))
        : `return problem("MISSING_FIELD", ${name}, ${JSON.stringify(nameOfType(field.type))}, undefined);`;
    return `const ${value} = ${read};\nif (${value} === undefined) {\n${missing}\n} else {\n${present}\n}`;
  }

  /** Source text that makes a fresh canonical default: fresh, because a transform may change it. */
  #defaultOf(field: AvroField): string {
    const holder = { value: structuredClone(field.default) };
    const holderType: RecordType = {
      kind: 'record',
      name: 'default',
      doc: '',
      fields: [{ name: 'value', doc: '', type: field.type, default: undefined }],
    };
    const found = compileCheck(holderType, { ...this.#policy, unknownFields: 'report' })(holder);
    if (found) {
      throw new TypeError(`default of ${field.name}: received ${found.received}, allowed: ${found.expected}`);
    }
    const source = JSON.stringify(holder.value);
    // In an object literal this key would set the prototype.
    if (source.includes('"__proto__"')) {
      throw new TypeError(`default of ${field.name}: received the key __proto__, allowed: any other`);
    }
    return source;
  }

  #array(items: AvroType): string {
    const item = this.checkOf(items, {
      read: 'x',
      put: (expression) => `r[i] = ${expression};`,
      step: '"[" + i + "]"',
    });
    return `if (!Array.isArray(r)) return problem("WRONG_TYPE", "", "array", r);
if (r.length > ${ITEMS_MAX}) return problem("TOO_MANY_ITEMS", "", "at most ${ITEMS_MAX} items", r);
for (let i = 0; i < r.length; i += 1) {
const x = r[i];
${item}
}`;
  }

  #map(values: AvroType): string {
    const put = (expression: string) => `r[k] = ${expression};`;
    const value = this.checkOf(values, { read: 'x', put, step: '"[" + JSON.stringify(k) + "]"' });
    const lowerCase =
      this.#policy.mapKeys === 'lower-case'
        ? 'if (k !== k.toLowerCase() || !k.isWellFormed()) return problem("INVALID_LOGICAL_VALUE", "", "lower-case map keys", k);'
        : 'if (!k.isWellFormed()) return problem("INVALID_LOGICAL_VALUE", "", "map keys of well-formed Unicode", k);';
    return `if (typeof r !== "object" || r === null || Array.isArray(r) || Buffer.isBuffer(r)) return problem("WRONG_TYPE", "", "object", r);
const keys = Object.keys(r);
if (keys.length > ${ITEMS_MAX}) return problem("TOO_MANY_ITEMS", "", "at most ${ITEMS_MAX} entries", keys);
for (let i = 0; i < keys.length; i += 1) {
const k = keys[i];
${lowerCase}
const x = r[k];
${value}
}`;
  }

  #variable(prefix: string): string {
    this.#variables += 1;
    return `${prefix}${this.#variables}`;
  }
}

function wrap(found: string, { step }: Place): string {
  return step === '""' ? found : `within(${found}, ${step})`;
}

function isProblem(settled: Settled): settled is Problem {
  return typeof settled === 'object' && 'code' in settled;
}

/** Settles only values that are canonical as they stand. */
function canonicalOnly({ settle }: ScalarRule): ScalarRule['settle'] {
  return (value): Settled => {
    const settled = settle(value);
    if (isProblem(settled) || settled === value) return settled;
    return problem('INVALID_LOGICAL_VALUE', '', `the canonical form, ${describe(settled)}`, value);
  };
}

/**
 * Known fields are present once their checks have passed, except those read as undefined, so an object with as many
 * names as the schema has no other. Only when the numbers differ are the names looked at.
 */
function unknownFieldCheck(fields: readonly AvroField[]): string {
  const cases = fields.map(({ name }) => `case ${JSON.stringify(name)}:`).join(' ');
  return `let n = 0;
for (const k in r) n += 1;
if (n !== ${fields.length}) {
for (const k of Object.keys(r)) {
switch (k) {
${cases} break;
default: return problem("UNKNOWN_FIELD", k, ${JSON.stringify(`only the ${fields.length} fields of the schema`)}, r[k]);
}
}
}`;
}

/** What a message calls a type. */
export function nameOfType(type: AvroType): string {
  if (type.kind === 'nullable') return `${nameOfType(type.of)} or null`;
  return type.kind === 'decimal' ? `decimal(${type.precision}, ${type.scale})` : type.kind;
}
