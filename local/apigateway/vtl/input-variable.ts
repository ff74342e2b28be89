/**
 * `$input` of mapping templates.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
import { readPath } from './json-path.ts';
import { parseJson } from './parse-json.ts';
import { jsonOf, ownMember, textOf, type VtlMap, type VtlValue, vtlObject } from './value.ts';

export interface RequestParameters {
  readonly path: Readonly<Record<string, string>>;
  readonly querystring: Readonly<Record<string, string>>;
  /** Lower-case names. A template may write them in any case. */
  readonly header: Readonly<Record<string, string>>;
}

/**
 * @param body text of the payload
 * The value's `json` and `path` throw UnreadableJson for a body that is none.
 */
export function inputVariable(body: string, parameters: RequestParameters): VtlValue {
  let parsed: { readonly value: VtlValue } | undefined;
  const read = (path: VtlValue): VtlValue | undefined => {
    parsed ??= { value: parseJson(body === '' ? '{}' : body) };
    return readPath(parsed.value, path === null ? '$' : textOf(path));
  };
  return vtlObject({
    name: '$input',
    // An empty body is an empty object for API Gateway.
    member: (name) => (name === 'body' ? body || '{}' : undefined),
    call(name, args) {
      switch (name) {
        case 'path':
          return read(args[0] ?? null) ?? null;
        case 'json': {
          const value = read(args[0] ?? null);
          return value === undefined ? '""' : jsonOf(value);
        }
        case 'params':
          return args.length === 0 ? allParameters(parameters) : parameter(parameters, textOf(args[0] ?? null));
        default:
          return undefined;
      }
    },
  });
}

/** Looked for in the path, the query string and the headers, in this order; `''` where it is in none. */
function parameter({ path, querystring, header }: RequestParameters, name: string): string {
  for (const [values, key] of [
    [path, name],
    [querystring, name],
    [header, name.toLowerCase()],
  ] as const) {
    if (Object.hasOwn(values, key)) return values[key] ?? '';
  }
  return '';
}

function allParameters({ path, querystring, header }: RequestParameters): VtlValue {
  const maps: VtlMap = { path: { ...path }, querystring: { ...querystring }, header: headerMap(header) };
  const member = (name: string): VtlValue | undefined => (Object.hasOwn(maps, name) ? maps[name] : undefined);
  return vtlObject({
    name: '$input.params()',
    member,
    call: (name, [key = null]) => {
      if (name === 'get') return member(textOf(key)) ?? null;
      return name === 'keySet' ? Object.keys(maps) : undefined;
    },
  });
}

function headerMap(header: Readonly<Record<string, string>>): VtlValue {
  const map: VtlMap = { ...header };
  const member = (name: string): VtlValue => ownMember(map, name.toLowerCase());
  return vtlObject({
    name: '$input.params().header',
    member,
    call: (name, [key = null]) => {
      if (name === 'get') return member(textOf(key));
      if (name === 'containsKey') return Object.hasOwn(map, textOf(key).toLowerCase());
      if (name === 'keySet') return Object.keys(map);
      return name === 'size' ? Object.keys(map).length : undefined;
    },
  });
}
