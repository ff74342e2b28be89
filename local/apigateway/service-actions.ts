/**
 * Operations of other services, as API Gateway calls them: as a client would, under the faults of the service, and with its
 * answers and errors as they are on the wire.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { errorResponse } from '../front/error-response.ts';
import type { ServiceActions } from '../ports.ts';
import { AwsError, type LocalService, type ServiceRequest, type ServiceResponse } from '../service.ts';

/** What precedes the operation in `X-Amz-Target`, by service. */
const TARGET_PREFIXES: Readonly<Record<string, string>> = { kinesis: 'Kinesis_20131202' };

/** @param services those with operations that can be called, by their scope */
export function createServiceActions(services: readonly LocalService[]): ServiceActions {
  return {
    async call({ service: scope, action, headers, body }) {
      const service = services.find((each) => each.scope === scope);
      if (!service) throw new Error(`there is no local service ${scope} to call ${action} of`);
      const request: ServiceRequest = {
        id: randomUUID(),
        method: 'POST',
        path: '/',
        query: new URLSearchParams(),
        headers: {
          'content-type': 'application/json',
          ...headers,
          'x-amz-target': `${TARGET_PREFIXES[scope] ?? scope}.${action}`,
        },
        body: Readable.from([Buffer.from(body)]),
      };
      const response = await answerOf(service, request, action);
      return { status: response.status, headers: response.headers ?? {}, body: String(response.body ?? '') };
    },
  };
}

async function answerOf(service: LocalService, request: ServiceRequest, action: string): Promise<ServiceResponse> {
  const act = (): Promise<ServiceResponse> => service.handle(request);
  try {
    return await (service.faults ? service.faults.around(action, act) : act());
  } catch (error) {
    if (error instanceof AwsError) return errorResponse(error, request, service.scope, request.id);
    throw error;
  }
}
