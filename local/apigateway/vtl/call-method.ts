/**
 * Methods of Java's String, List, Map, Number and Boolean that mapping templates call. A closed list: what a template calls
 * beside it is refused by name, and nothing of a JavaScript object can be reached.
 */
import {
  isMap,
  isObject,
  JsonNumber,
  jsonOf,
  numberOf,
  ownMember,
  setMember,
  TemplateError,
  textOf,
  type VtlMap,
  type VtlValue,
  vtlObject,
} from './value.ts';

/** Characters that one call may give: a template repeats no text without end. */
const RESULT_CHARACTERS_MAX = 32 * 1024 * 1024;

/** Of null, every method gives null. @throws TemplateError for a method that there is not */
export function callMethod(target: VtlValue, name: string, args: readonly VtlValue[]): VtlValue {
  if (target === null) return null;
  const result = isObject(target) ? target.call(name, args) : callValue(target, name, args);
  if (result === undefined) throw new TemplateError(`${describe(target)} has no method ${name} locally`);
  if (typeof result === 'string' && result.length > RESULT_CHARACTERS_MAX) {
    throw new TemplateError(`${name} gives ${result.length} characters, allowed: ${RESULT_CHARACTERS_MAX}`);
  }
  return result;
}

type Value = Exclude<VtlValue, null>;

function describe(target: Value): string {
  if (isObject(target)) return target.name;
  if (Array.isArray(target)) return 'a list';
  return isMap(target) ? 'a map' : `a ${target instanceof JsonNumber ? 'number' : typeof target}`;
}

function callValue(target: Value, name: string, args: readonly VtlValue[]): VtlValue | undefined {
  if (name === 'toString') return textOf(target);
  if (name === 'equals') return jsonOf(target) === jsonOf(args[0] ?? null);
  if (typeof target === 'string') return callString(target, name, args);
  if (Array.isArray(target)) return callList(target, name, args);
  if (isMap(target)) return callMap(target, name, args);
  return callNumber(target, name);
}

function callNumber(target: Value, name: string): VtlValue | undefined {
  const number = numberOf(target);
  if (number === undefined) return undefined;
  if (name === 'intValue' || name === 'longValue') return Math.trunc(number);
  return name === 'doubleValue' || name === 'floatValue' ? new JsonNumber(textOf(target)) : undefined;
}

function callString(target: string, name: string, args: readonly VtlValue[]): VtlValue | undefined {
  const [first = null, second = null] = args;
  switch (name) {
    case 'length':
      return target.length;
    case 'isEmpty':
      return target === '';
    case 'trim':
      return target.trim();
    case 'toLowerCase':
      return target.toLowerCase();
    case 'toUpperCase':
      return target.toUpperCase();
    case 'concat':
      return target + textOf(first);
    case 'contains':
      return target.includes(textOf(first));
    case 'startsWith':
      return target.startsWith(textOf(first));
    case 'endsWith':
      return target.endsWith(textOf(first));
    case 'equalsIgnoreCase':
      return target.toLowerCase() === textOf(first).toLowerCase();
    case 'indexOf':
      return target.indexOf(textOf(first));
    case 'lastIndexOf':
      return target.lastIndexOf(textOf(first));
    case 'charAt':
      return target.charAt(numberOf(first) ?? 0);
    case 'substring':
      return substring(target, first, second);
    case 'replace':
      return target.replaceAll(textOf(first), () => textOf(second));
    case 'replaceAll':
      return target.replace(pattern(first, 'gu'), replacement(second));
    case 'replaceFirst':
      return target.replace(pattern(first, 'u'), replacement(second));
    case 'matches':
      return pattern(`^(?:${textOf(first)})$`, 'u').test(target);
    case 'split':
      return withoutTrailing(target.split(pattern(first, 'u')));
    default:
      return undefined;
  }
}

/** @throws TemplateError as Java throws StringIndexOutOfBoundsException */
function substring(target: string, from: VtlValue, to: VtlValue): string {
  const begin = numberOf(from) ?? 0;
  const end = numberOf(to) ?? target.length;
  if (begin < 0 || end > target.length || begin > end) {
    throw new TemplateError(`substring(${begin}, ${end}) of a text of ${target.length} characters`);
  }
  return target.substring(begin, end);
}

function pattern(source: VtlValue, flags: string): RegExp {
  try {
    return new RegExp(withoutNeedlessEscapes(textOf(source)), flags);
  } catch (error) {
    throw new TemplateError(`${JSON.stringify(textOf(source))} is no regular expression here: ${String(error)}`);
  }
}

/** Java takes an escaped character that needs none, such as `\"`, for itself; JavaScript refuses it. */
function withoutNeedlessEscapes(source: string): string {
  return source.replace(/\\(.)/gs, (whole, character: string) =>
    /["'<>&!#%,:;=@`~ ]/.test(character) ? character : whole,
  );
}

/** Java's `$1`, and `\` before a character that is meant. */
function replacement(given: VtlValue): (whole: string, ...groups: unknown[]) => string {
  const text = textOf(given);
  return (whole, ...groups) =>
    text.replace(/\\(.)|\$(\d)/gs, (_match, literal: string | undefined, group: string | undefined) => {
      if (literal !== undefined) return literal;
      const found = group === '0' ? whole : groups[Number(group) - 1];
      return typeof found === 'string' ? found : '';
    });
}

/** As Java's split does: empty texts at the end are not given. */
function withoutTrailing(parts: readonly string[]): VtlValue[] {
  const last = parts.findLastIndex((part) => part !== '');
  return parts.slice(0, last + 1);
}

function callList(target: VtlValue[], name: string, args: readonly VtlValue[]): VtlValue | undefined {
  const [first = null, second = null] = args;
  const index = numberOf(first) ?? -1;
  switch (name) {
    case 'size':
      return target.length;
    case 'isEmpty':
      return target.length === 0;
    case 'get':
      if (index >= 0 && index < target.length) return target[index] ?? null;
      throw new TemplateError(`get(${textOf(first)}) of a list of ${target.length}`);
    case 'contains':
      return target.some((item) => jsonOf(item) === jsonOf(first));
    case 'add':
      target.push(first);
      return true;
    case 'set':
      if (!(index in target)) throw new TemplateError(`set(${textOf(first)}) of a list of ${target.length}`);
      target[index] = second;
      return null;
    default:
      return undefined;
  }
}

function callMap(target: VtlMap, name: string, args: readonly VtlValue[]): VtlValue | undefined {
  const [first = null, second = null] = args;
  const key = textOf(first);
  switch (name) {
    case 'get':
      return ownMember(target, key);
    case 'containsKey':
      return Object.hasOwn(target, key);
    case 'size':
      return Object.keys(target).length;
    case 'isEmpty':
      return Object.keys(target).length === 0;
    case 'keySet':
      return Object.keys(target);
    case 'values':
      return Object.values(target);
    case 'entrySet':
      return Object.entries(target).map(([entryKey, value]) => entry(entryKey, value));
    case 'put': {
      const before = ownMember(target, key);
      setMember(target, key, second);
      return before;
    }
    case 'remove': {
      const before = ownMember(target, key);
      delete target[key];
      return before;
    }
    default:
      return undefined;
  }
}

function entry(key: string, value: VtlValue): VtlValue {
  return vtlObject({
    name: `${key}=${textOf(value)}`,
    member: (name) => (name === 'key' ? key : name === 'value' ? value : undefined),
    call: (name) => (name === 'getKey' ? key : name === 'getValue' ? value : undefined),
  });
}
