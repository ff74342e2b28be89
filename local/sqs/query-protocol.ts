/**
 * The AWS query protocol, for clients from before November 2023, such as Debian's AWS CLI: a form in, XML out. Three
 * operations are taken, by way of the JSON protocol; others are refused by name.
 * Sources: smithy.io/2.0/aws/protocols/aws-query-protocol.html; AWSSimpleQueueService/latest/APIReference, examples
 */
import { Readable } from 'node:stream';
import { readBody } from '../protocol/read-body.ts';
import type { ServiceHandler, ServiceRequest, ServiceResponse } from '../service.ts';
import { queryCode } from './sqs-error.ts';

const NAMESPACE = 'http://queue.amazonaws.com/doc/2012-11-05/';
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** By operation: its members of the result, as XML, from the JSON of the answer. */
const RESULTS: Readonly<Record<string, (answer: Readonly<Record<string, unknown>>) => string>> = {
  GetQueueUrl: ({ QueueUrl }) => element('QueueUrl', QueueUrl),
  SendMessage: (answer) =>
    ['MD5OfMessageBody', 'MD5OfMessageAttributes', 'MessageId'].map((name) => element(name, answer[name])).join(''),
  GetQueueAttributes: ({ Attributes }) =>
    Object.entries(isRecord(Attributes) ? Attributes : {})
      .map(([name, value]) => `<Attribute>${element('Name', name)}${element('Value', value)}</Attribute>`)
      .join(''),
};

export function isQueryRequest({ headers }: ServiceRequest): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
}

/** @param answerJson the same operations, by the JSON protocol @throws AwsError for a body that is too large */
export async function answerQuery(
  request: ServiceRequest,
  answerJson: ServiceHandler,
  bodyBytesMax: number,
): Promise<ServiceResponse> {
  const form = new URLSearchParams((await readBody(request.body, bodyBytesMax)).toString());
  const action = form.get('Action') ?? '';
  const resultOf = Object.hasOwn(RESULTS, action) ? RESULTS[action] : undefined;
  if (resultOf === undefined) {
    const allowed = Object.keys(RESULTS).join(', ');
    const message = `By the query protocol the local SQS does not support ${action}. Supported: ${allowed}; others by JSON, as SDKs and CLIs since November 2023 speak it.`;
    return xml(400, errorOf('UnknownOperationException', message));
  }
  const response = await answerJson({
    ...request,
    headers: {
      ...request.headers,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${action}`,
    },
    body: Readable.from([Buffer.from(JSON.stringify(inputOf(form)))]),
  });
  const answer: unknown = JSON.parse(String(response.body ?? '') || '{}');
  const members = isRecord(answer) ? answer : {};
  if (response.status >= 400) return xml(response.status, errorOf(String(members.__type), String(members.message)));
  const result = `<${action}Result>${resultOf(members)}</${action}Result>`;
  const metadata = `<ResponseMetadata>${element('RequestId', request.id)}</ResponseMetadata>`;
  return xml(200, `<${action}Response xmlns="${NAMESPACE}">${result}${metadata}</${action}Response>`);
}

/** `AttributeName.1` and `MessageAttribute.1.Name`, `….Value.StringValue` are lists there, and members of their own here. */
function inputOf(form: URLSearchParams): object {
  const input: Record<string, unknown> = {};
  const attributeNames: string[] = [];
  const attributes = new Map<string, Record<string, string>>();
  for (const [name, value] of form) {
    const [list = '', index = '', ...path] = name.split('.');
    if (list === 'AttributeName') attributeNames.push(value);
    else if (list === 'MessageAttribute') {
      attributes.set(index, { ...attributes.get(index), [path.at(-1) ?? '']: value });
    } else input[name] = name === 'DelaySeconds' ? Number(value) : value;
  }
  const named = [...attributes.values()].map(({ Name = '', ...attribute }) => [Name, attribute] as const);
  return {
    ...input,
    ...(attributeNames.length > 0 && { AttributeNames: attributeNames }),
    ...(named.length > 0 && { MessageAttributes: Object.fromEntries(named) }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function errorOf(code: string, message: string): string {
  const error = `${element('Type', 'Sender')}${element('Code', queryCode(code))}${element('Message', message)}`;
  return `<ErrorResponse xmlns="${NAMESPACE}"><Error>${error}</Error></ErrorResponse>`;
}

function element(name: string, value: unknown): string {
  if (value === undefined) return '';
  return `<${name}>${String(value).replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)}</${name}>`;
}

function xml(status: number, root: string): ServiceResponse {
  return { status, headers: { 'content-type': 'text/xml' }, body: `<?xml version="1.0"?>${root}` };
}
