/** Properties over generated schemas, with avsc as the independent reader, writer and checker. */
import { describe, expect, it } from '@jest/globals';
import avsc, { type Schema } from 'avsc';
import fc from 'fast-check';
import { parseSchema } from './avro-type.ts';
import { dayText } from './calendar.ts';
import { canonicalForm } from './canonical-form.ts';
import { AvroError, compileReader } from './read-avro.ts';
import { TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './timestamp.ts';
import { compileValidator } from './validate.ts';
import { compileWriter } from './write-avro.ts';

/** A schema and what its canonical values are. */
interface Case {
  readonly schema: Schema;
  readonly value: fc.Arbitrary<unknown>;
}

type Named = (prefix: string) => string;
type Maker = (named: Named) => Case;

const text = fc.string({ unit: 'binary', maxLength: 30 });
const bytes = (size?: number) =>
  fc.uint8Array({ minLength: size ?? 0, maxLength: size ?? 20 }).map((array) => Buffer.from(array));
const scalar =
  (schema: Schema, value: fc.Arbitrary<unknown>): Maker =>
  () => ({ schema, value });

const PLAIN: readonly Maker[] = [
  scalar('boolean', fc.boolean()),
  scalar('int', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  // avsc 5.7.9 writes longs below -2^52 as other numbers; codec.test.ts has vectors for ours.
  scalar('long', fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 }))),
  scalar('float', fc.float({ noNaN: true, noDefaultInfinity: true })),
  scalar('double', fc.double({ noNaN: true, noDefaultInfinity: true })),
  scalar('string', text),
  scalar('bytes', bytes()),
  (named) => ({ schema: { type: 'fixed', name: named('Fixed'), size: 5 }, value: bytes(5) }),
  (named) => ({
    schema: { type: 'enum', name: named('Enum'), symbols: ['a', 'B', 'c_3'] },
    value: fc.constantFrom('a', 'B', 'c_3'),
  }),
];

const micros = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const LOGICAL: readonly Maker[] = [
  scalar(
    { type: 'long', logicalType: 'timestamp-millis' },
    fc.integer({ min: TIMESTAMP_MS_MIN, max: TIMESTAMP_MS_MAX }),
  ),
  scalar({ type: 'long', logicalType: 'timestamp-micros' }, micros),
  scalar({ type: 'int', logicalType: 'date' }, fc.integer({ min: -719_162, max: 2_932_896 }).map(dayText)),
  scalar({ type: 'string', logicalType: 'uuid' }, fc.uuid()),
  scalar({ type: 'bytes', logicalType: 'decimal', precision: 38, scale: 4 } as Schema, decimals(38, 4)),
  (named) => ({
    schema: { type: 'fixed', name: named('Money'), size: 8, logicalType: 'decimal', precision: 18, scale: 2 } as Schema,
    value: decimals(18, 2),
  }),
];

function decimals(precision: number, scale: number): fc.Arbitrary<string> {
  const limit = 10n ** BigInt(precision) - 1n;
  return fc.bigInt({ min: -limit, max: limit }).map((unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  });
}

function schemas(leaves: readonly Maker[]): fc.Arbitrary<Case> {
  const { maker } = fc.letrec<{ maker: Maker; record: Maker }>((tie) => ({
    record: fc.array(tie('maker'), { minLength: 1, maxLength: 4 }).map(
      (fields): Maker =>
        (named) => {
          const cases = fields.map((field) => field(named));
          const names = ['toString', 'a', 'constructor', '_b'];
          const list = cases.map(({ schema }, index) => ({ name: names[index] ?? '', type: schema }));
          const values = Object.fromEntries(cases.map(({ value }, index) => [names[index] ?? '', value]));
          return { schema: { type: 'record', name: named('Record'), fields: list }, value: fc.record(values) };
        },
    ),
    maker: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...leaves),
      tie('record'),
      fc.tuple(tie('maker'), fc.boolean()).map(
        ([of, nullFirst]): Maker =>
          (named) => {
            const { schema, value } = of(named);
            if (Array.isArray(schema)) return { schema, value };
            const union: Schema = nullFirst ? ['null', schema as never] : [schema as never, 'null'];
            return { schema: union, value: fc.option(value) };
          },
      ),
      tie('maker').map(
        (items): Maker =>
          (named) => {
            const { schema, value } = items(named);
            return { schema: { type: 'array', items: schema }, value: fc.array(value, { maxLength: 4 }) };
          },
      ),
      tie('maker').map(
        (values): Maker =>
          (named) => {
            const { schema, value } = values(named);
            return {
              schema: { type: 'map', values: schema },
              value: fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true }),
            };
          },
      ),
    ),
  }));
  return maker.map((make) => {
    let count = 0;
    return make((prefix) => `${prefix}${count++}`);
  });
}

const withValue = (cases: fc.Arbitrary<Case>) =>
  cases.chain(({ schema, value }) => fc.record({ schema: fc.constant(schema), value }));

/** Replaces one value somewhere inside by junk, or removes a field. */
const junk = fc.constantFrom(
  null,
  undefined,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 60,
  '',
  'a',
  'text',
  [],
  [1],
  {},
  { a: 1 },
);
function spoil(value: unknown, by: unknown, at: number): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || at % 5 === 0) return by;
  const keys = Object.keys(value);
  const key = keys[at % Math.max(keys.length, 1)];
  if (key === undefined) return by;
  const inner = spoil(Reflect.get(value, key), by, Math.floor(at / 2));
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...value, [key]: inner };
}

const canonicalOnly = { stage: 'validate', unknownFields: 'ignore', spellings: 'canonical', mapKeys: 'any' } as const;

describe('the validator', () => {
  it('agrees with avsc on values that conform, and on values with something wrong inside', () => {
    fc.assert(
      fc.property(withValue(schemas(PLAIN)), junk, fc.nat(1000), ({ schema, value }, by, at) => {
        const validate = compileValidator(schema, canonicalOnly);
        const type = avsc.Type.forSchema(schema, { wrapUnions: 'never' as never });
        const spoiled = spoil(value, by, at);

        expect(validate(value)).toBeUndefined();
        expect(validate(spoiled) === undefined).toBe(type.isValid(spoiled));
      }),
      { numRuns: 1_500 },
    );
  });

  it('accepts every canonical value as JSON input, and changes nothing but bytes', () => {
    fc.assert(
      fc.property(withValue(schemas([...PLAIN, ...LOGICAL])), ({ schema, value }) => {
        const copy = structuredClone({ value });
        const validate = compileValidator(schema, { ...canonicalOnly, spellings: 'json' });

        expect(validate(value)).toBeUndefined();
        expect(plain({ value })).toEqual(plain(copy));
      }),
      { numRuns: 500 },
    );
  });
});

/** Buffers as hex: structuredClone turns them into Uint8Arrays. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item) =>
      item instanceof Uint8Array || item?.type === 'Buffer'
        ? Buffer.from(item.data ?? item).toString('hex')
        : Object.is(item, -0)
          ? '-0'
          : item,
    ),
  );
}

/** One `expect` a byte would take most of the test's time. */
function refuses(read: (body: Uint8Array) => unknown, body: Uint8Array): boolean {
  try {
    read(body);
    return false;
  } catch (error) {
    return error instanceof AvroError;
  }
}

describe('the codec', () => {
  it('writes the bytes that avsc writes, and reads what avsc reads', () => {
    fc.assert(
      fc.property(withValue(schemas(PLAIN)), ({ schema, value }) => {
        const type = avsc.Type.forSchema(schema, { wrapUnions: 'never' as never });
        const tree = parseSchema(schema);

        const bytes = compileWriter(tree)(value);

        // avsc drops the map key __proto__.
        fc.pre(!JSON.stringify(value)?.includes('__proto__'));
        expect(bytes.toString('hex')).toBe(type.toBuffer(value).toString('hex'));
        expect(plain(compileReader(tree)(bytes))).toEqual(plain(type.fromBuffer(bytes)));
      }),
      { numRuns: 1_500 },
    );
  });

  it('gives back every canonical value, logical types included', () => {
    fc.assert(
      fc.property(withValue(schemas([...PLAIN, ...LOGICAL])), ({ schema, value }) => {
        const tree = parseSchema(schema);

        expect(compileReader(tree)(compileWriter(tree)(value))).toEqual(value);
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses each datum with a byte too few or too many', () => {
    fc.assert(
      fc.property(withValue(schemas([...PLAIN, ...LOGICAL])), ({ schema, value }) => {
        const tree = parseSchema(schema);
        const read = compileReader(tree);
        const bytes = compileWriter(tree)(value);

        const accepted = [...bytes.keys()].filter((length) => !refuses(read, bytes.subarray(0, length)));

        expect(accepted).toEqual([]);
        expect(() => read(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(AvroError);
      }),
      { numRuns: 300 },
    );
  });

  it('makes of any bytes a value that conforms, or an AvroError', () => {
    fc.assert(
      fc.property(schemas([...PLAIN, ...LOGICAL]), fc.uint8Array({ maxLength: 60 }), ({ schema }, bytes) => {
        const tree = parseSchema(schema);
        let value: unknown;
        try {
          value = compileReader(tree)(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(AvroError);
          return;
        }

        expect(compileValidator(schema, canonicalOnly)(value)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the canonical form', () => {
  it('is the one that avsc makes', () => {
    fc.assert(
      fc.property(schemas([...PLAIN, ...LOGICAL]), ({ schema }) => {
        expect(canonicalForm(schema)).toBe(JSON.stringify(avsc.Type.forSchema(schema).schema()));
      }),
      { numRuns: 500 },
    );
  });
});
