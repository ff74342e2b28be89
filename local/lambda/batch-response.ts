/**
 * What a function's return value says about its batch when the mapping has `ReportBatchItemFailures`. Pure.
 *
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html and, for SQS,
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html. The SQS rules are the same but for what
 * an identifier is (messageId) and what becomes of several.
 */
import { z } from 'zod';

export type BatchResponse =
  | { readonly kind: 'succeeded' }
  /** The response is not usable, and the whole batch counts as failed. */
  | { readonly kind: 'invalid' }
  /** Indexes into the batch, ascending, at least one. */
  | { readonly kind: 'failed'; readonly indexes: readonly number[] };

const SUCCEEDED: BatchResponse = { kind: 'succeeded' };
const INVALID: BatchResponse = { kind: 'invalid' };

const reply = z.object({ batchItemFailures: z.unknown() });
const failures = z.array(z.object({ itemIdentifier: z.string().min(1) }));

/**
 * @param payload what the function returned, as JSON text
 * @param identifiers of the batch, in order: sequence numbers or message ids
 */
export function readBatchResponse(payload: string, identifiers: readonly string[]): BatchResponse {
  const parsed = reply.safeParse(parseJson(payload));
  // Nothing, "", {} and an object with other keys only: AWS finds no failure in them, and so nothing is retried.
  if (!parsed.success || parsed.data.batchItemFailures === undefined) return SUCCEEDED;
  if (parsed.data.batchItemFailures === null) return SUCCEEDED;
  const items = failures.safeParse(parsed.data.batchItemFailures);
  if (!items.success) return INVALID;
  if (items.data.length === 0) return SUCCEEDED;

  const reported = new Set(items.data.map((item) => item.itemIdentifier));
  const indexes: number[] = [];
  identifiers.forEach((identifier, index) => {
    if (reported.delete(identifier)) indexes.push(index);
  });
  return reported.size > 0 ? INVALID : { kind: 'failed', indexes };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
