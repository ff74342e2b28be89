/**
 * The AWS JSON protocol (1.0 and 1.1): POST to `/`, the operation in `X-Amz-Target`, JSON in and out, errors as
 * `{"__type", "message"}`. Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
import type { z } from 'zod';
import { AwsError, type ServiceHandler, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { readBody } from './read-body.ts';

/** An operation: its input is parsed before `run` sees it. `undefined` answers with an empty body. */
export interface Operation {
  readonly run: (input: unknown, request: ServiceRequest) => Promise<object | undefined>;
}

/** Binds a handler to the shape of its input. Unknown members are ignored, as AWS does for newer clients' additions. */
export function operation<Input>(
  shape: z.ZodType<Input>,
  run: (input: Input, request: ServiceRequest) => object | undefined | Promise<object | undefined>,
): Operation {
  return {
    run: async (input, request) => {
      const parsed = shape.safeParse(input);
      if (parsed.success) return run(parsed.data, request);
      throw new InvalidInput(describeIssues(parsed.error));
    },
  };
}

/** Input of the wrong shape; each protocol answers it under the service's own code. */
export class InvalidInput extends Error {}

/** One line a problem: which member, what is allowed. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`)
    .join('; ');
}

export interface JsonProtocolOptions {
  /** Service name for messages, such as `kinesis`. */
  readonly service: string;
  /** What precedes the dot in `X-Amz-Target`, such as `Kinesis_20131202`. */
  readonly targetPrefix: string;
  readonly version: '1.0' | '1.1';
  /** Error code for input of the wrong shape, such as `ValidationException`. */
  readonly invalidInputCode: string;
  /** Bytes that a request body may have. */
  readonly bodyBytesMax: number;
  /** Default: JSON.parse of the body's text. @throws SyntaxError, AwsError */
  readonly parse?: (body: Buffer) => unknown;
  readonly operations: Readonly<Record<string, Operation>>;
  /** Headers that the service adds to an error. Default: none. */
  readonly errorHeaders?: (code: string) => Readonly<Record<string, string>>;
  /** Members that the service adds to an error beside `__type` and `message`. Default: none. */
  readonly errorMembers?: (error: AwsError) => Readonly<Record<string, unknown>>;
}

export function jsonProtocol(options: JsonProtocolOptions): ServiceHandler {
  const contentType = `application/x-amz-json-${options.version}`;
  const reply = (status: number, body: object | undefined): ServiceResponse => ({
    status,
    headers: { 'content-type': contentType },
    body: body === undefined ? '' : JSON.stringify(body),
  });

  const refusal = (status: number, code: string, message: string, members = {}): ServiceResponse => {
    const response = reply(status, { __type: code, message, ...members });
    return { ...response, headers: { ...response.headers, ...options.errorHeaders?.(code) } };
  };

  async function answer(request: ServiceRequest): Promise<object | undefined> {
    const target = request.headers['x-amz-target'] ?? '';
    const [prefix, name = ''] = target.split('.');
    const found = prefix === options.targetPrefix && Object.hasOwn(options.operations, name);
    const chosen = found ? options.operations[name] : undefined;
    if (!chosen)
      throw unsupported(options.service, target || '(no X-Amz-Target header)', Object.keys(options.operations));
    const body = await readBody(request.body, options.bodyBytesMax);
    return chosen.run(parseJson(body, options.parse), request);
  }

  const handle = async (request: ServiceRequest): Promise<ServiceResponse> => {
    try {
      return reply(200, await answer(request));
    } catch (error) {
      if (error instanceof InvalidInput) return refusal(400, options.invalidInputCode, error.message);
      if (error instanceof AwsError)
        return refusal(error.status, error.code, error.message, options.errorMembers?.(error));
      throw error;
    }
  };
  return Object.assign(handle, { operations: Object.keys(options.operations) });
}

/** The answer to an operation that the local service does not have: it names the operation and those that work. */
export function unsupported(service: string, name: string, supported: readonly string[]): AwsError {
  return new AwsError(
    'UnknownOperationException',
    `The local ${service} does not support ${name}. Supported: ${supported.join(', ')}.`,
  );
}

function parseJson(body: Buffer, parse = (text: Buffer): unknown => JSON.parse(text.toString('utf8'))): unknown {
  if (body.length === 0) return {};
  try {
    return parse(body);
  } catch (error) {
    if (error instanceof AwsError) throw error;
    throw new AwsError('SerializationException', 'The request body is not valid JSON.');
  }
}
