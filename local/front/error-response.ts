/** An error in the shape that the caller's client parses: JSON, REST JSON, query XML or S3 XML. */
import type { AwsError, ServiceResponse } from '../service.ts';
import type { Routable } from './route.ts';

/** @param scope service that the request is for; decides between the XML and JSON of REST protocols */
export function errorResponse(
  error: Pick<AwsError, 'code' | 'message' | 'status'>,
  request: Pick<Routable, 'headers'>,
  scope: string,
  requestId: string,
): ServiceResponse {
  const contentType = request.headers['content-type'] ?? '';
  if (scope === 's3') return xml(error, s3Error(error, requestId));
  if (contentType.startsWith('application/x-www-form-urlencoded')) return xml(error, queryError(error, requestId));
  return {
    status: error.status,
    headers: {
      'content-type': contentType.startsWith('application/x-amz-json') ? contentType : 'application/json',
      'x-amzn-errortype': error.code,
    },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

function xml(error: Pick<AwsError, 'status'>, body: string): ServiceResponse {
  return { status: error.status, headers: { 'content-type': 'application/xml' }, body };
}

function s3Error(error: Pick<AwsError, 'code' | 'message'>, requestId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message><RequestId>${requestId}</RequestId></Error>`;
}

function queryError(error: Pick<AwsError, 'code' | 'message' | 'status'>, requestId: string): string {
  const fault = error.status >= 500 ? 'Receiver' : 'Sender';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse><Error><Type>${fault}</Type><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
}

const XML_ENTITIES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (character) => XML_ENTITIES[character] ?? character);
}
