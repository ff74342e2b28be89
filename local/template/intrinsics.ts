/**
 * Resolves the intrinsic functions of a CloudFormation template: those that the app's templates use, and no others.
 * What is not resolved is refused by name, so that nothing half-resolved reaches a service.
 *
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
 */

/** What the functions look up. Each throws an Error that names what it does not find. */
export interface Lookup {
  /** Value of `Ref`: of a resource, a parameter or a pseudo parameter; `NO_VALUE` for `AWS::NoValue`. */
  readonly ref: (name: string) => unknown;
  readonly attribute: (logicalId: string, attribute: string) => unknown;
  readonly importValue: (exportName: string) => unknown;
}

/** Stands for `AWS::NoValue`: the property or item that has it is left out. */
export const NO_VALUE = Symbol('AWS::NoValue');

export const INTRINSICS = ['Ref', 'Fn::GetAtt', 'Fn::ImportValue', 'Fn::Join', 'Fn::Select', 'Fn::Split', 'Fn::Sub'];

/** @throws Error naming the function that is not supported, or what it was given */
export function resolve(value: unknown, lookup: Lookup): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, lookup)).filter((item) => item !== NO_VALUE);
  if (!isObject(value)) return value;
  const name = intrinsicOf(value);
  if (name !== undefined) return evaluate(name, value[name], lookup);
  const resolved: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const result = resolve(member, lookup);
    if (result !== NO_VALUE) resolved[key] = result;
  }
  return resolved;
}

function evaluate(name: string, argument: unknown, lookup: Lookup): unknown {
  switch (name) {
    case 'Ref':
      return lookup.ref(text(name, argument));
    case 'Fn::GetAtt': {
      const [logicalId, ...attribute] = typeof argument === 'string' ? argument.split('.') : list(name, argument);
      return lookup.attribute(text(name, logicalId), attribute.map((part) => text(name, part)).join('.'));
    }
    case 'Fn::ImportValue':
      return lookup.importValue(text(name, resolve(argument, lookup)));
    case 'Fn::Join': {
      const [separator, items] = list(name, argument);
      const parts = list(name, resolve(items, lookup));
      return parts.map((part) => text(name, part)).join(text(name, separator));
    }
    case 'Fn::Select': {
      const [index, items] = list(name, argument);
      const from = list(name, resolve(items, lookup));
      const at = Number(resolve(index, lookup));
      if (Number.isInteger(at) && at >= 0 && at < from.length) return from[at];
      throw new Error(`${name}: received index ${String(index)}, allowed: 0 to ${from.length - 1}`);
    }
    case 'Fn::Split': {
      const [separator, source] = list(name, argument);
      return text(name, resolve(source, lookup)).split(text(name, separator));
    }
    case 'Fn::Sub':
      return substitute(argument, lookup);
    default:
      throw new Error(`${name} is not resolved locally. Supported: ${INTRINSICS.join(', ')}.`);
  }
}

/** `${Name}`, `${Resource.Attribute}`, and `${!Literal}`; names given in the second item come first. */
function substitute(argument: unknown, lookup: Lookup): string {
  const [pattern, given = {}] = typeof argument === 'string' ? [argument] : list('Fn::Sub', argument);
  const variables = isObject(given) ? given : {};
  return text('Fn::Sub', pattern).replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    if (Object.hasOwn(variables, name)) return text('Fn::Sub', resolve(variables[name], lookup));
    const dot = name.indexOf('.');
    const value = dot < 0 ? lookup.ref(name) : lookup.attribute(name.slice(0, dot), name.slice(dot + 1));
    return text('Fn::Sub', value);
  });
}

/** An object with one member that is named as a function is. */
function intrinsicOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const [name, ...others] = Object.keys(value);
  if (name === undefined || others.length > 0) return undefined;
  return name === 'Ref' || name.startsWith('Fn::') || name === 'Condition' ? name : undefined;
}

function list(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${name}: received ${JSON.stringify(value)}, allowed: a list`);
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${name}: received ${JSON.stringify(value) ?? String(value)}, allowed: text`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
