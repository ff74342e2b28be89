/**
 * Requests checked as DynamoDB does, by dynalite's validations: types, bounds, expressions, with AWS's messages. What they
 * give has its numbers normalised and its expressions parsed.
 */
import type { Validation } from 'dynalite/validations/index.js';
import validations from 'dynalite/validations/index.js';
import { z } from 'zod';
import { AwsError } from '../service.ts';
import { ITEM_BYTES_MAX } from './attribute-value.ts';
import { validationError } from './dynamodb-error.ts';

/** Parameters of before expressions, and what replaced them. */
const LEGACY: Readonly<Record<string, string>> = {
  AttributesToGet: 'ProjectionExpression',
  AttributeUpdates: 'UpdateExpression',
  ConditionalOperator: 'ConditionExpression or FilterExpression',
  Expected: 'ConditionExpression',
  KeyConditions: 'KeyConditionExpression',
  QueryFilter: 'FilterExpression',
  ScanFilter: 'FilterExpression',
};

const Fault = z.object({
  statusCode: z.number(),
  body: z.object({ __type: z.string(), message: z.string().optional(), Message: z.string().optional() }),
});

/** @throws AwsError `ValidationException`, `SerializationException` */
export function checkRequest<Request>(
  validation: Validation<Request>,
  input: Readonly<Record<string, unknown>>,
): Request {
  for (const [name, successor] of Object.entries(LEGACY)) {
    if (input[name] !== undefined)
      throw validationError(`The local DynamoDB does not support the legacy parameter ${name}: use ${successor}.`);
  }
  if (input.ReturnItemCollectionMetrics === 'SIZE')
    throw validationError('The local DynamoDB does not support ReturnItemCollectionMetrics SIZE.');
  const { types, custom } = validation;
  try {
    const request = validations.checkTypes<Request>({ ...input }, types);
    // Characters are counted there and bytes here, when the item is written.
    validations.checkValidations<Request>(request, types, custom, { options: { maxItemSize: ITEM_BYTES_MAX } });
    return request;
  } catch (error) {
    throw awsErrorOf(error) ?? new AwsError('SerializationException', 'A member has a value of the wrong type.');
  }
}

/** @param fault as dynalite's checks return it */
export function refuse(fault: unknown): void {
  if (fault) throw awsErrorOf(fault) ?? fault;
}

function awsErrorOf(fault: unknown): AwsError | undefined {
  const parsed = Fault.safeParse(fault);
  if (!parsed.success) return undefined;
  const { __type, message, Message } = parsed.data.body;
  return new AwsError(__type.slice(__type.lastIndexOf('#') + 1), message ?? Message ?? '', parsed.data.statusCode);
}

/** Refuses `__proto__`, the one attribute name that the parsers lose. @throws AwsError `ValidationException` */
export function parseBody(body: Buffer): unknown {
  if (body.includes('"__proto__"'))
    throw validationError('The local DynamoDB takes neither an attribute nor a text named __proto__.');
  return JSON.parse(body.toString('utf8'));
}
