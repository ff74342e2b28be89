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
  if (scope === 'execute-api') return gateway(error);
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

/** API Gateway, whose answers are those of an API. */
function gateway({ code, message, status }: Pick<AwsError, 'code' | 'message' | 'status'>): ServiceResponse {
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code };
  return { status, headers, body: JSON.stringify({ message }) };
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
/** Besides markup, what a parser would change (line ends) and what XML 1.0 has no place for. */
const ESCAPED = /[<>&"\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu;
/** Control characters that XML 1.0 has, as references (https://www.w3.org/TR/xml/#charsets). */
const REFERABLE = /[\t\n\r\x7f-\x9f]/;

/** What XML has no place for, not even as a reference, is written as in JSON: `\u0000`. */
function escapeXml(text: string): string {
  return text.replace(ESCAPED, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return XML_ENTITIES[character] ?? (REFERABLE.test(character) ? `&#x${code};` : `\\u${code.padStart(4, '0')}`);
  });
}
