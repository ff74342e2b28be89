/**
 * Mapping expressions of parameters: `'static'`, `method.request.header.X`, `integration.response.header.X`, `context.X`,
 * `stageVariables.X`, and bodies by JSONPath. Pure.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping-sources.html
 */

import type { RequestParameters } from './vtl/input-variable.ts';
import { readPath } from './vtl/json-path.ts';
import { parseJson } from './vtl/parse-json.ts';
import { isMap, ownMember, textOf, type VtlMap, type VtlValue } from './vtl/value.ts';

export interface MappingSources {
  readonly request: RequestParameters & { readonly body: string };
  /** Of the integration; undefined as long as there is none. */
  readonly response?: { readonly headers: Readonly<Record<string, string>>; readonly body: string } | undefined;
  readonly context: VtlMap;
  readonly stageVariables: Readonly<Record<string, string>>;
}

const REQUEST = /^method\.request\.(header|querystring|path)\.(.+)$/;
const REQUEST_BODY = /^method\.request\.body(?:\.(.+))?$/;
const RESPONSE_HEADER = /^integration\.response\.header\.(.+)$/;
const RESPONSE_BODY = /^integration\.response\.body(?:\.(.+))?$/;
const CONTEXT = /^context\.(.+)$/;
const STAGE_VARIABLE = /^stageVariables\.(.+)$/;

/** Undefined where the source has no value: the parameter is left out. @throws UnreadableJson */
export function mapParameter(expression: string, sources: MappingSources): string | undefined {
  const literal = /^'(.*)'$/s.exec(expression)?.[1];
  if (literal !== undefined) return literal;
  const [, place, name = ''] = REQUEST.exec(expression) ?? [];
  if (place === 'header') return own(sources.request.header, name.toLowerCase());
  if (place === 'querystring') return own(sources.request.querystring, name);
  if (place === 'path') return own(sources.request.path, name);
  const requestBody = REQUEST_BODY.exec(expression);
  if (requestBody) return ofBody(sources.request.body, requestBody[1]);
  const header = RESPONSE_HEADER.exec(expression)?.[1];
  if (header !== undefined) return sources.response && own(sources.response.headers, header.toLowerCase());
  const responseBody = RESPONSE_BODY.exec(expression);
  if (responseBody) return sources.response && ofBody(sources.response.body, responseBody[1]);
  const variable = STAGE_VARIABLE.exec(expression)?.[1];
  if (variable !== undefined) return own(sources.stageVariables, variable);
  return contextText(sources.context, CONTEXT.exec(expression)?.[1] ?? '');
}

/** `error.message`: undefined where the context has nothing. */
export function contextText(context: VtlMap, path: string): string | undefined {
  let value: VtlValue = context;
  for (const name of path.split('.')) value = isMap(value) ? ownMember(value, name) : null;
  return value === null ? undefined : textOf(value);
}

function own(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function ofBody(body: string, path: string | undefined): string | undefined {
  if (path === undefined) return body;
  const value = readPath(parseJson(body), `$.${path}`);
  return value === undefined || value === null ? undefined : textOf(value);
}

/** @throws Error naming a destination or source that API Gateway would refuse, or that is not run locally */
export function checkRequestParameters(
  mapped: Readonly<Record<string, string>>,
  declared: ReadonlyMap<string, boolean>,
): void {
  for (const [destination, source] of Object.entries(mapped)) {
    if (!/^integration\.request\.header\.[\w-]+$/.test(destination)) {
      throw new Error(
        `RequestParameters: the local API Gateway maps to integration.request.header, not to ${destination}`,
      );
    }
    const isKnown = /^'.*'$/s.test(source) || [REQUEST_BODY, CONTEXT, STAGE_VARIABLE].some((kind) => kind.test(source));
    if (isKnown || (REQUEST.test(source) && declared.has(source))) continue;
    throw new Error(`Invalid mapping expression specified: ${source}: not a parameter that the method declares`);
  }
}

/** @param declared `method.response.header.X` of the method response @throws Error as above */
export function checkResponseParameters(mapped: Readonly<Record<string, string>>, declared: ReadonlySet<string>): void {
  for (const [destination, source] of Object.entries(mapped)) {
    if (!/^method\.response\.header\.[\w-]+$/.test(destination) || !declared.has(destination)) {
      throw new Error(
        `Invalid mapping expression parameter specified: ${destination}: the method response does not declare it`,
      );
    }
    const kinds = [RESPONSE_HEADER, RESPONSE_BODY, CONTEXT, STAGE_VARIABLE];
    if (/^'.*'$/s.test(source) || kinds.some((kind) => kind.test(source))) continue;
    throw new Error(`Invalid mapping expression specified: ${source}`);
  }
}
