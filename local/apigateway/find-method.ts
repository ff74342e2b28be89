/**
 * Which method of an API a request is for. A literal part of a path comes before `{name}`, and that before `{name+}`; a
 * resource without the request's method is passed over for one that has it.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
 */
import type { ApiResource, Method, RestApi } from './rest-api.ts';

export interface FoundMethod {
  readonly resource: ApiResource;
  readonly method: Method;
  /** Decoded. */
  readonly pathParameters: Readonly<Record<string, string>>;
}

/** Parts of a path that are looked at; a longer one has no resource. */
const PARTS_MAX = 100;

/** @param path below the stage, percent-encoded, beginning with `/` */
export function findMethod(api: RestApi, httpMethod: string, path: string): FoundMethod | undefined {
  const root = api.resources.get(api.rootResourceId);
  const parts = path.split('/').slice(1);
  // A slash at the end is not looked at.
  if (parts.at(-1) === '') parts.pop();
  return root && parts.length <= PARTS_MAX ? find(root, httpMethod, parts, []) : undefined;
}

type Parameter = readonly [name: string, value: string];

function find(
  resource: ApiResource,
  httpMethod: string,
  parts: readonly string[],
  parameters: readonly Parameter[],
): FoundMethod | undefined {
  const [part, ...rest] = parts;
  if (part === undefined) return ending(resource, httpMethod, parameters);
  const literal = resource.children.find(({ pathPart }) => pathPart === part || pathPart === decode(part));
  const found = literal && find(literal, httpMethod, rest, parameters);
  if (found) return found;
  const named = resource.children.find(({ pathPart }) => /^\{[^+}]+\}$/.test(pathPart));
  if (named && part !== '') {
    const name = named.pathPart.slice(1, -1);
    const below = find(named, httpMethod, rest, [...parameters, [name, decode(part)]]);
    if (below) return below;
  }
  const greedy = resource.children.find(({ pathPart }) => pathPart.endsWith('+}'));
  if (!greedy) return undefined;
  return ending(greedy, httpMethod, [...parameters, [greedy.pathPart.slice(1, -2), decode(parts.join('/'))]]);
}

function ending(resource: ApiResource, httpMethod: string, parameters: readonly Parameter[]): FoundMethod | undefined {
  const method = resource.methods.get(httpMethod) ?? resource.methods.get('ANY');
  return method && { resource, method, pathParameters: Object.fromEntries(parameters) };
}

/** What is not percent-encoded as it should be stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
