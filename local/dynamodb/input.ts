/** Parts of requests that dynalite's checks do not know. */
import { z } from 'zod';

/** The members of a request, not yet checked. */
export const Input = z.record(z.string(), z.unknown());
export type Input = z.infer<typeof Input>;

/** `ReturnValuesOnConditionCheckFailure` (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html). */
export const ReturnOnFailure = z.enum(['NONE', 'ALL_OLD']).default('NONE');

export const CapacityDetail = z.enum(['INDEXES', 'TOTAL', 'NONE']).default('NONE');

const TRANSACTION_ACTIONS_MAX = 100;
const TOKEN_CHARACTERS_MAX = 36;

const transactItems = <Action extends z.ZodType>(action: Action) =>
  z
    .array(action)
    .min(1, 'Member must have length greater than or equal to 1')
    .max(TRANSACTION_ACTIONS_MAX, `Member must have length less than or equal to ${TRANSACTION_ACTIONS_MAX}`);

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
export const TransactWriteInput = z.object({
  TransactItems: transactItems(
    z
      .object({ ConditionCheck: Input, Put: Input, Delete: Input, Update: Input })
      .partial()
      .refine(
        (action) => Object.values(action).filter((member) => member !== undefined).length === 1,
        'TransactItems can only contain one of Check, Put, Update or Delete',
      ),
  ),
  ClientRequestToken: z
    .string()
    .min(1, 'Member must have length greater than or equal to 1')
    .max(TOKEN_CHARACTERS_MAX, `Member must have length less than or equal to ${TOKEN_CHARACTERS_MAX}`)
    .optional(),
  ReturnConsumedCapacity: CapacityDetail,
  ReturnItemCollectionMetrics: z.literal('NONE', 'is NONE: item collections are not measured locally').optional(),
});
export type TransactWriteInput = z.infer<typeof TransactWriteInput>;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html */
export const TransactGetInput = z.object({
  TransactItems: transactItems(z.object({ Get: Input })),
  ReturnConsumedCapacity: CapacityDetail,
});
export type TransactGetInput = z.infer<typeof TransactGetInput>;

export const TableName = z.object({ TableName: z.string() });

export const ListTablesInput = z.object({
  ExclusiveStartTableName: z.string().optional(),
  Limit: z.number().int().min(1).max(100).default(100),
});

export const TimeToLiveInput = z.object({
  TableName: z.string(),
  TimeToLiveSpecification: z.object({ Enabled: z.boolean(), AttributeName: z.string().min(1).max(255) }),
});
