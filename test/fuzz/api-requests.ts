/** Requests that clients of the events API send, and some that nobody should. */
import fc from 'fast-check';
import { parseSchema } from '../../schemas/avro-type.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import { datasets } from '../../schemas/index.ts';
import { jsonOf } from '../support/schemas/json-records.ts';

export interface ApiRequest {
  readonly dataset: Dataset;
  readonly isBatch: boolean;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const HOSTILE = [
  '","type":"earthquakes","source":"x',
  '"}],"specversion":"1.0","data":{"a":1},"x":[{"',
  '$context.requestId $!{stream} $q $input.body $util.base64Encode("x")',
  '#set($stream = "other")#end #* *# ## #stop #foreach($x in [1..9999])x#end',
  "\\','x':'",
  '\\u0022,\\u0000',
  '{{constructor.constructor("return 1")()}}',
  '\u0000\u2028\u2029\ufeff\u202e',
  '\ud83c\udf0b e\u0301 ﷽',
];
const NUMBERS = [
  '1e400',
  '-1e999999999',
  '1e-999999999',
  '123456789012345678901234567890',
  '-0',
  '1.00',
  '01',
  '1.',
  'NaN',
];
const TIMES = ['9999-12-31T23:59:59.999Z', '2026-02-30', ''];

const all = [...datasets.values()];
const text = fc.oneof(fc.constantFrom(...HOSTILE, ...TIMES), fc.string({ unit: 'binary', maxLength: 40 }), fc.string());
/** Half of a surrogate pair can be written in JSON, as an escape. */
const anyValue = fc.oneof(text, fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('\ud800', '\udc00x'));
const reserved = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'valueOf',
  'length',
  'data',
  'databatch',
  'id',
  'type',
);
const space = fc.constantFrom('', ' ', '\n', '\t\r\n');

/** Replaces one value somewhere inside. */
function spoil(value: unknown, by: unknown, at: number): unknown {
  if (typeof value !== 'object' || value === null || at % 7 === 0) return by;
  const keys = Object.keys(value);
  const key = keys[at % Math.max(keys.length, 1)];
  if (key === undefined) return by;
  const inner = spoil(Reflect.get(value, key), by, Math.floor(at / 2));
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...value, [key]: inner };
}

/** The JSON text of a record, valid or with something wrong, odd or repeated in it. */
function recordText(dataset: Dataset): fc.Arbitrary<string> {
  const record = jsonOf(parseSchema(dataset.definition.schema)).map((value): unknown =>
    JSON.parse(JSON.stringify(value)),
  );
  const spoiled = fc.tuple(record, anyValue, fc.nat(1_000)).map(([value, by, at]) => spoil(value, by, at));
  const withMember = (member: fc.Arbitrary<string>) =>
    fc.tuple(record, member).map(([value, extra]) => JSON.stringify(value).replace(/\}$/, `,${extra}}`));
  const member = fc
    .tuple(fc.oneof(reserved, text), anyValue)
    .map((pair) => pair.map((part) => JSON.stringify(part)).join(':'));
  const number = fc.constantFrom(...NUMBERS).map((digits) => `"extra":${digits}`);
  const deep = fc
    .integer({ min: 1, max: 3_000 })
    .map((depth) => `"extra":${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`);
  return fc.oneof(
    { weight: 4, arbitrary: record.map((value) => JSON.stringify(value)) },
    { weight: 4, arbitrary: spoiled.map((value) => JSON.stringify(value)) },
    { weight: 2, arbitrary: withMember(fc.oneof(member, number)) },
    { weight: 1, arbitrary: withMember(deep) },
    { weight: 1, arbitrary: anyValue.map((value) => JSON.stringify(value)) },
  );
}

function bodyOf(dataset: Dataset, isBatch: boolean): fc.Arbitrary<Buffer> {
  const record = recordText(dataset);
  const list = fc.array(record, { maxLength: 5 }).map((items) => `[${items.join(',')}]`);
  const json = fc.tuple(space, isBatch ? list : record, space).map((parts) => parts.join(''));
  const broken = fc.oneof(
    fc.tuple(json, fc.nat(200)).map(([whole, at]) => whole.slice(0, at)),
    fc.tuple(json, text).map((parts) => parts.join('')),
    fc.constantFrom(...HOSTILE, ...NUMBERS, '', '\ufeff{}', '[]', '{}', 'null', '{"a":1,}', "{'a':1}"),
    fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth)),
    fc.json(),
  );
  return fc.oneof(
    { weight: 6, arbitrary: json.map((whole) => Buffer.from(whole)) },
    { weight: 3, arbitrary: broken.map((part) => Buffer.from(part)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: json.map((whole) => Buffer.from(whole, 'latin1')) },
  );
}

/** What HTTP lets a header have. */
const headerText = fc
  .oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 270 }),
  )
  .map((value) => value.replace(/[^\x20-\x7e\xa0-\xff]/g, '').replace(/^ +| +$/g, ''));
const traceparent = fc.oneof(fc.constant('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'), headerText);
const headers = fc.record(
  { 'Idempotency-Key': headerText, Traceparent: traceparent, 'X-Other': headerText },
  { requiredKeys: [] },
);

export const apiRequests: fc.Arbitrary<ApiRequest> = fc
  .tuple(fc.constantFrom(...all), fc.boolean())
  .chain(([dataset, isBatch]) =>
    fc.record({
      dataset: fc.constant(dataset),
      isBatch: fc.constant(isBatch),
      body: bodyOf(dataset, isBatch),
      headers,
    }),
  );
