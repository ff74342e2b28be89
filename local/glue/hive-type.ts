/** Hive column types, as the Glue Data Catalog spells them: `array<struct<id:string,price:decimal(10,2)>>`. */

export type HiveType =
  | { readonly kind: HivePrimitive }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'array'; readonly element: HiveType }
  | { readonly kind: 'map'; readonly key: HiveType; readonly value: HiveType }
  | { readonly kind: 'struct'; readonly fields: readonly HiveField[] };

export interface HiveField {
  /** Lower case: Hive names ignore it. */
  readonly name: string;
  readonly type: HiveType;
}

const PRIMITIVES = [
  'boolean',
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'string',
  'varchar',
  'char',
  'date',
  'timestamp',
  'binary',
] as const;

export type HivePrimitive = (typeof PRIMITIVES)[number];

/** Hive's own limit (https://docs.aws.amazon.com/athena/latest/ug/data-types.html). */
const DECIMAL_DIGITS_MAX = 38;

/** @throws Error naming what is wrong with the type */
export function parseHiveType(text: string): HiveType {
  const reader = new TypeReader(text);
  const type = reader.type();
  reader.end();
  return type;
}

class TypeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  type(): HiveType {
    const word = this.#match(/[a-z]+/iy).toLowerCase();
    switch (word) {
      case 'array':
        return { kind: 'array', element: this.#inside(() => this.type()) };
      case 'map':
        return this.#inside(() => ({ kind: 'map', key: this.type(), value: this.#after(',') }));
      case 'struct':
        return { kind: 'struct', fields: this.#inside(() => this.#fields()) };
      case 'decimal':
        return this.#decimal();
      case 'integer':
        return { kind: 'int' };
      case 'varchar':
      case 'char':
        this.#optional(/\(\s*\d+\s*\)/y);
        return { kind: word };
      default:
        return { kind: this.#primitive(word) };
    }
  }

  end(): void {
    this.#optional(/\s+/y);
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the type');
  }

  #primitive(word: string): HivePrimitive {
    const found = PRIMITIVES.find((candidate) => candidate === word);
    if (found === undefined) {
      throw new Error(
        `Hive type ${JSON.stringify(this.#text)}: ${JSON.stringify(word)} is not a type. ` +
          `Allowed: ${PRIMITIVES.join(', ')}, decimal(p,s), array<>, map<,>, struct<>.`,
      );
    }
    return found;
  }

  #decimal(): HiveType {
    const arguments_ = this.#optional(/\(\s*\d+\s*(,\s*\d+\s*)?\)/y);
    const [precision = 10, scale = 0] = (arguments_ ?? '').match(/\d+/g)?.map(Number) ?? [];
    if (precision < 1 || precision > DECIMAL_DIGITS_MAX || scale > precision) {
      throw new Error(
        `Hive type ${JSON.stringify(this.#text)}: decimal(${precision},${scale}) is out of bounds; ` +
          `precision is 1 to ${DECIMAL_DIGITS_MAX} and scale at most the precision.`,
      );
    }
    return { kind: 'decimal', precision, scale };
  }

  #fields(): HiveField[] {
    const fields: HiveField[] = [];
    do {
      const name = this.#match(/`[^`]+`|[^:<>,\s`]+/y).replaceAll('`', '');
      fields.push({ name: name.toLowerCase(), type: this.#after(':') });
    } while (this.#optional(/\s*,\s*/y) !== undefined);
    return fields;
  }

  #inside<Part>(read: () => Part): Part {
    this.#match(/</y);
    const part = read();
    this.#match(/>/y);
    return part;
  }

  #after(mark: ',' | ':'): HiveType {
    this.#match(mark === ',' ? /,/y : /:/y);
    return this.type();
  }

  #match(pattern: RegExp): string {
    this.#optional(/\s+/y);
    const found = this.#optional(pattern);
    if (found === undefined) throw this.#unexpected(String(pattern));
    return found;
  }

  #optional(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #unexpected(wanted: string): Error {
    const rest = this.#text.slice(this.#at, this.#at + 20);
    return new Error(
      `Hive type ${JSON.stringify(this.#text)}: at character ${this.#at} received ${JSON.stringify(rest)}, wanted ${wanted}.`,
    );
  }
}
