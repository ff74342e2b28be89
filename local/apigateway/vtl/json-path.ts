/**
 * The JSONPath that mapping templates read a body by: `$`, members by `.name` or `['name']`, items by `[n]`, all of them by
 * `[*]`, and `.length()`. What else JSONPath has is refused by name.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
import { isMap, ownMember, TemplateError, type VtlValue } from './value.ts';

type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'item'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'length' };

const STEP =
  /\.length\(\)|\.\*|\[\*\]|\.([^.[\]()*'"\s]+)|\[\s*(-?\d{1,9})\s*\]|\[\s*'((?:[^'\\]|\\.)*)'\s*\]|\[\s*"((?:[^"\\]|\\.)*)"\s*\]/y;

/** @returns undefined where there is nothing @throws TemplateError for a path that is not served here */
export function readPath(value: VtlValue, path: string): VtlValue | undefined {
  const steps = parsePath(path);
  let found: VtlValue[] = [value];
  let isMany = false;
  for (const step of steps) {
    if (step.kind === 'all') isMany = true;
    found = found.flatMap((each) => follow(each, step));
  }
  return isMany ? found : found[0];
}

function follow(value: VtlValue, step: Step): VtlValue[] {
  switch (step.kind) {
    case 'member':
      return isMap(value) && Object.hasOwn(value, step.name) ? [ownMember(value, step.name)] : [];
    case 'item': {
      const item = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Array.isArray(value) ? value : isMap(value) ? Object.values(value) : [];
    case 'length':
      return Array.isArray(value) ? [value.length] : isMap(value) ? [Object.keys(value).length] : [];
  }
}

function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  STEP.lastIndex = path.startsWith('$') ? 1 : 0;
  // A path without a root is one of a member of it.
  const text = path.startsWith('$') ? path : `.${path}`;
  while (STEP.lastIndex < text.length) {
    const match = STEP.exec(text);
    if (!match) throw new TemplateError(`the JSONPath ${JSON.stringify(path)} is not served locally: ${SERVED}`);
    steps.push(stepOf(match));
  }
  return steps;
}

const SERVED = "allowed are $, .name, ['name'], [n], [*], .* and .length()";

function stepOf([whole, name, index, quoted, doubleQuoted]: RegExpExecArray): Step {
  if (whole === '.length()') return { kind: 'length' };
  if (index !== undefined) return { kind: 'item', index: Number(index) };
  const member = name ?? (quoted ?? doubleQuoted)?.replace(/\\(.)/g, '$1');
  return member === undefined ? { kind: 'all' } : { kind: 'member', name: member };
}
