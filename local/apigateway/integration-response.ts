/**
 * From the backend's answer to the client's: which integration response, its headers, its template.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-settings-integration-response.html
 */
import type { ServiceResponse } from '../service.ts';
import type { Call } from './call.ts';
import { GatewayError } from './gateway-response.ts';
import { mapped, overrideOf, render } from './integration-request.ts';
import { mapParameter } from './parameter-mapping.ts';
import type { Integration, IntegrationResponse } from './rest-api.ts';
import { isMap, numberOf, textOf, type VtlValue } from './vtl/value.ts';

export interface BackendAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const STATUS_MIN = 100;
const STATUS_MAX = 599;

/** @throws GatewayError where no response is meant, or its template fails */
export function integrationResponse(call: Call, integration: Integration, answer: BackendAnswer): ServiceResponse {
  const chosen = choose(integration.responses, answer.status);
  if (!chosen) {
    const reason = `no integration response for status ${answer.status}, and no default`;
    throw new GatewayError('API_CONFIGURATION_ERROR', { reason });
  }
  return mapped('response', () => {
    const sources = { ...call.sources, response: answer };
    const headers: Record<string, string> = {};
    const [contentType, template] = templateOf(chosen, call.request.headers.accept);
    headers['content-type'] = contentType;
    const body = template ? render(template, answer.body, sources) : answer.body;
    for (const [name, expression] of chosen.parameters) {
      const value = mapParameter(expression, sources);
      if (value !== undefined) headers[name.toLowerCase()] = value;
    }
    const override = overrideOf(call.context, 'responseOverride');
    for (const [name, value] of membersOf(override.header)) headers[name.toLowerCase()] = textOf(value);
    return { status: statusOf(override.status) ?? chosen.status, headers, body };
  });
}

function membersOf(value: VtlValue | undefined): readonly (readonly [string, VtlValue])[] {
  return value !== undefined && isMap(value) ? Object.entries(value) : [];
}

/** The pattern covers the whole status, as Java's `matches` does. */
function choose(responses: readonly IntegrationResponse[], status: number): IntegrationResponse | undefined {
  const matching = responses.find(({ selectionPattern }) => selectionPattern?.test(String(status)) === true);
  return matching ?? responses.find(({ selectionPattern }) => selectionPattern === undefined);
}

function templateOf({ templates }: IntegrationResponse, accept: string | undefined) {
  const accepted = accept?.split(',').map((type) => type.split(';')[0]?.trim() ?? '') ?? [];
  const contentType = [...accepted, 'application/json', ...templates.keys()].find((type) => templates.has(type));
  return [
    contentType ?? 'application/json',
    contentType === undefined ? undefined : templates.get(contentType),
  ] as const;
}

/** A status that a template wrote; undefined for none, @throws GatewayError for what is no status */
function statusOf(value: VtlValue | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  const status = numberOf(value) ?? Number(textOf(value));
  if (Number.isInteger(status) && status >= STATUS_MIN && status <= STATUS_MAX) return status;
  const reason = `responseOverride.status: ${STATUS_MIN} to ${STATUS_MAX}, received ${textOf(value)}`;
  throw new GatewayError('API_CONFIGURATION_ERROR', { reason });
}
