/** Calls what is behind a method: an operation of a service, a function, or nothing. */
import type { InvocableFunctions, ServiceActions } from '../ports.ts';
import type { ServiceResponse } from '../service.ts';
import type { Call } from './call.ts';
import type { FoundMethod } from './find-method.ts';
import { GatewayError } from './gateway-response.ts';
import { integrationRequest } from './integration-request.ts';
import { type BackendAnswer, integrationResponse } from './integration-response.ts';
import { badGateway, proxyAnswer, proxyEvent } from './lambda-proxy.ts';

export interface Backends {
  readonly actions: ServiceActions;
  readonly functions: InvocableFunctions;
}

/** @throws GatewayError */
export async function callIntegration(call: Call, found: FoundMethod, backends: Backends): Promise<ServiceResponse> {
  const { integration } = found.method;
  const { target } = integration;
  if (target.type === 'AWS_PROXY') {
    const payload = JSON.stringify(proxyEvent(call, found));
    const outcome = await within(integration.timeoutMs, backends.functions.invoke(target.functionArn, { payload }));
    note(call, outcome.kind === 'returned' ? 200 : 502);
    if (outcome.kind === 'returned') return proxyAnswer(outcome.payload);
    throw badGateway(
      outcome.kind === 'failed' ? `the function failed: ${outcome.payload}` : `the function is throttled`,
    );
  }
  const request = integrationRequest(call, integration);
  if (target.type === 'MOCK') return integrationResponse(call, integration, mockAnswer(request.body));
  const answer = await within(integration.timeoutMs, backends.actions.call({ ...target, ...request }));
  note(call, answer.status);
  return integrationResponse(call, integration, answer);
}

function note({ context }: Call, status: number): void {
  context.integration = { status, integrationStatus: status };
  context.integrationStatus = status;
}

/** On the machine's clock: a shared clock that is driven does not make a backend slow. */
async function within<Answer>(timeoutMs: number, work: Promise<Answer>): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new GatewayError('INTEGRATION_TIMEOUT')), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws GatewayError for a request template that does not give `{"statusCode": 200}` */
function mockAnswer(body: string): BackendAnswer {
  const status = readStatus(body);
  if (status !== undefined) return { status, headers: {}, body: '' };
  const reason = 'the request template of MOCK gives no {"statusCode": …} of 100 to 599';
  throw new GatewayError('API_CONFIGURATION_ERROR', { reason });
}

function readStatus(body: string): number | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const status = typeof value === 'object' && value !== null && 'statusCode' in value ? Number(value.statusCode) : 0;
    return Number.isInteger(status) && status >= 100 && status <= 599 ? status : undefined;
  } catch {
    return undefined;
  }
}
