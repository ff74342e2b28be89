/**
 * What the access log says of a request: who called what, and what came of it. Nothing of the body, nor of a message that
 * quotes it: apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
 */
export const ACCESS_LOG_FIELDS = {
  requestId: '$context.requestId',
  /** Of API Gateway alone, where a client may choose the other one; the id of an event that was sent without a key. */
  extendedRequestId: '$context.extendedRequestId',
  requestTimeEpochMs: '$context.requestTimeEpoch',
  sourceIp: '$context.identity.sourceIp',
  caller: '$context.identity.caller',
  httpMethod: '$context.httpMethod',
  resourcePath: '$context.resourcePath',
  status: '$context.status',
  responseBytes: '$context.responseLength',
  responseLatencyMs: '$context.responseLatency',
  integrationStatus: '$context.integration.status',
  errorType: '$context.error.responseType',
} as const;
