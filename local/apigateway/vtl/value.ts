/**
 * The values that a mapping template works with, and how Java writes them: a map is `{a=1, b=x}`, a list of the body is
 * JSON, a double has a decimal point (`Double.toString`). What is absent is null, and is written as nothing.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */

/** A number of the body that a JavaScript number does not hold as Java does: its text is kept. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What a template calls methods of: `$input`, `$util`, and the maps of parameters. */
export interface VtlObject {
  /** The template's name of it, for messages: `$input`. */
  readonly name: string;
  /** Undefined: it has no such member. */
  readonly member: (name: string) => VtlValue | undefined;
  /** Undefined: it has no such method. */
  readonly call: (name: string, args: readonly VtlValue[]) => VtlValue | undefined;
}

export interface VtlMap {
  [name: string]: VtlValue;
}
export type VtlValue = null | boolean | number | string | JsonNumber | VtlValue[] | VtlMap | VtlObject;

/** The template cannot be rendered: API Gateway answers 500, and the reason is for whoever wrote it. */
export class TemplateError extends Error {}

export function isObject(value: VtlValue): value is VtlObject {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, OBJECT) === 'boolean';
}

export function isMap(value: VtlValue): value is VtlMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber) &&
    !isObject(value)
  );
}

/** Sets objects of the runtime apart from maps that a client sent: no JSON has a symbol. */
const OBJECT = Symbol('an object of the template language');

export function vtlObject(object: VtlObject): VtlObject {
  return Object.assign(object, { [OBJECT]: true });
}

/** A member of a map that is its own: what a client names `constructor` or `__proto__` is a member like any other. */
export function ownMember(map: VtlMap, name: string): VtlValue {
  return Object.hasOwn(map, name) ? (map[name] ?? null) : null;
}

export function setMember(map: VtlMap, name: string, value: VtlValue): void {
  Object.defineProperty(map, name, { value, writable: true, enumerable: true, configurable: true });
}

/** As Java's `toString` has it, and as it appears where a template writes it. */
export function textOf(value: VtlValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(String(value));
  if (value instanceof JsonNumber) return numberText(value.text);
  if (Array.isArray(value)) return jsonOf(value);
  if (typeof value === 'object' && !isObject(value)) {
    const members = Object.entries(value).map(
      ([name, member]) => `${name}=${member === null ? 'null' : textOf(member)}`,
    );
    return `{${members.join(', ')}}`;
  }
  return typeof value === 'boolean' ? String(value) : value.name;
}

/** As JSON, without spaces. Numbers keep the digits that the client sent. */
export function jsonOf(value: VtlValue): string {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isObject(value)) throw new TemplateError(`${value.name} cannot be written as JSON`);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${jsonOf(member)}`);
  return `{${members.join(',')}}`;
}

/** `Double.toString` for what has a fraction or an exponent; whole numbers as they are, however long. */
function numberText(text: string): string {
  if (/^-?\d+$/.test(text)) return text;
  const value = Number(text);
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity';
  const size = Math.abs(value);
  if (size === 0) return text.startsWith('-') ? '-0.0' : '0.0';
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}

/** The number that a value is or that its text is; undefined for anything else. */
export function numberOf(value: VtlValue): number | undefined {
  if (typeof value === 'number') return value;
  return value instanceof JsonNumber ? Number(value.text) : undefined;
}
