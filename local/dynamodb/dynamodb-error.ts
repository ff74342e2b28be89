/** Errors of DynamoDB (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html). */
import { AwsError } from '../service.ts';
import type { Item } from './attribute-value.ts';

/** An error with members beside its code and message. */
export class DynamoDbError extends AwsError {
  readonly members: Readonly<Record<string, unknown>>;
  constructor(code: string, message: string, members: Readonly<Record<string, unknown>>) {
    super(code, message);
    this.name = 'DynamoDbError';
    this.members = members;
  }
}

/** Why one action of a transaction did not happen; `None` for those that could have. */
export interface CancellationReason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Item;
}

export class ConditionFailed extends DynamoDbError {
  readonly item: Item | undefined;
  /** @param item as it is, for callers that asked for it */
  constructor(item: Item | undefined) {
    super('ConditionalCheckFailedException', 'The conditional request failed', item ? { Item: item } : {});
    this.item = item;
  }
}

/** @param reasons one for each action, in order */
export function transactionCanceled(reasons: readonly CancellationReason[]): DynamoDbError {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new DynamoDbError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { CancellationReasons: reasons },
  );
}

export function validationError(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

export function resourceNotFound(detail?: string): AwsError {
  const message = 'Requested resource not found';
  return new AwsError('ResourceNotFoundException', detail === undefined ? message : `${message}: ${detail}`);
}
