/** The payload and headers of an integration request, and what `$context.responseOverride` says, by mapping template. */
import type { Call } from './call.ts';
import { byContentType, DEFAULT_CONTENT_TYPE } from './content-type.ts';
import { GatewayError } from './gateway-response.ts';
import { type MappingSources, mapParameter } from './parameter-mapping.ts';
import type { Integration } from './rest-api.ts';
import type { Template } from './vtl/compile-template.ts';
import { inputVariable } from './vtl/input-variable.ts';
import { UnreadableJson } from './vtl/parse-json.ts';
import { templateFunctions } from './vtl/template-functions.ts';
import { isMap, setMember, TemplateError, textOf, type VtlMap } from './vtl/value.ts';

export interface IntegrationRequest {
  readonly body: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws GatewayError for a content type that is not taken, a body that is no JSON, a template that fails */
export function integrationRequest(call: Call, integration: Integration): IntegrationRequest {
  const { contentType = DEFAULT_CONTENT_TYPE } = call;
  const template = byContentType(integration.templates, contentType);
  if (!template) refuseUnmapped(integration);
  return mapped('request', () => {
    const body = template ? render(template, call.body, call.sources) : call.body;
    const headers: Record<string, string> = {};
    for (const [name, expression] of integration.parameters) {
      const value = mapParameter(expression, call.sources);
      if (value !== undefined) headers[name.toLowerCase()] = value;
    }
    const override = overrideOf(call.context, 'requestOverride').header;
    for (const [name, value] of Object.entries(isMap(override ?? null) ? (override ?? {}) : {})) {
      headers[name.toLowerCase()] = textOf(value);
    }
    return { body, headers };
  });
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html */
function refuseUnmapped({ passthroughBehavior, templates }: Integration): void {
  if (passthroughBehavior === 'WHEN_NO_MATCH') return;
  if (passthroughBehavior === 'WHEN_NO_TEMPLATES' && templates.size === 0) return;
  throw new GatewayError('UNSUPPORTED_MEDIA_TYPE');
}

/** @param payload what `$input` has: of the request, or of the integration's answer */
export function render(
  template: Template,
  payload: string,
  { request, context, stageVariables }: MappingSources,
): string {
  const variables: VtlMap = {};
  setMember(variables, 'input', inputVariable(payload, request));
  setMember(variables, 'util', templateFunctions);
  setMember(variables, 'context', context);
  setMember(variables, 'stageVariables', { ...stageVariables });
  return template(variables);
}

/** What a template may fail of, as API Gateway answers it. */
export function mapped<Result>(what: 'request' | 'response', map: () => Result): Result {
  try {
    return map();
  } catch (error) {
    if (error instanceof UnreadableJson && what === 'request') {
      throw new GatewayError('BAD_REQUEST_BODY', {
        message: `Could not parse request body into json: ${error.message}`,
      });
    }
    if (error instanceof TemplateError || error instanceof UnreadableJson || error instanceof RangeError) {
      throw new GatewayError('API_CONFIGURATION_ERROR', { reason: `the ${what} template failed: ${error.message}` });
    }
    throw error;
  }
}

export function overrideOf(context: VtlMap, name: 'requestOverride' | 'responseOverride'): VtlMap {
  const value = context[name] ?? null;
  return isMap(value) ? value : {};
}
