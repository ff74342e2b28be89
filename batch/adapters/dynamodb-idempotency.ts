/**
 * Where Powertools keeps which requests were answered, on DynamoDB: items by `id`, which go by themselves at `expiration`.
 * Its own layer asks for a package of document conversion; these items are five attributes.
 * Format: docs.aws.amazon.com/powertools/typescript/latest/features/idempotency
 */
import {
  IdempotencyItemAlreadyExistsError,
  IdempotencyItemNotFoundError,
  IdempotencyRecordStatus,
} from '@aws-lambda-powertools/idempotency';
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

type Item = Readonly<Record<string, AttributeValue>>;

/** An answer takes milliseconds; a connection that has gone silent must not take the invocation with it. */
const CALL_TIMEOUT_MS = 5_000;

/**
 * There is none; or it is out of date, since time to live may take days to delete an item; or its work was not finished in
 * the time that it had. With this last one what was killed is taken over: the check of the library's own for it compares an
 * epoch with the milliseconds of a second, and never holds.
 */
const FREE = 'attribute_not_exists(#id) OR #expiration < :now OR (#status = :inprogress AND #progress < :now_ms)';

export class DynamoDbIdempotency extends BasePersistenceLayer {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;

  constructor(client: DynamoDBClient, tableName: string) {
    super();
    this.#client = client;
    this.#tableName = tableName;
  }

  protected async _putRecord(record: IdempotencyRecord): Promise<void> {
    const nowMs = Date.now();
    const { expiryTimestamp, inProgressExpiryTimestamp, payloadHash = '' } = record;
    const command = new PutItemCommand({
      TableName: this.#tableName,
      Item: {
        ...keyOf(record.idempotencyKey),
        status: { S: record.getStatus() },
        validation: { S: payloadHash },
        ...(expiryTimestamp !== undefined && { expiration: { N: String(expiryTimestamp) } }),
        ...(inProgressExpiryTimestamp !== undefined && {
          in_progress_expiration: { N: String(inProgressExpiryTimestamp) },
        }),
      },
      ConditionExpression: FREE,
      ExpressionAttributeNames: {
        '#id': 'id',
        '#expiration': 'expiration',
        '#status': 'status',
        '#progress': 'in_progress_expiration',
      },
      ExpressionAttributeValues: {
        ':now': { N: String(nowMs / 1_000) },
        ':now_ms': { N: String(nowMs) },
        ':inprogress': { S: IdempotencyRecordStatus.INPROGRESS },
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      await this.#client.send(command, inTime());
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      throw new IdempotencyItemAlreadyExistsError(
        `there is an item of ${record.idempotencyKey}`,
        error.Item && readRecord(record.idempotencyKey, error.Item),
      );
    }
  }

  protected async _getRecord(idempotencyKey: string): Promise<IdempotencyRecord> {
    const command = new GetItemCommand({
      TableName: this.#tableName,
      Key: keyOf(idempotencyKey),
      ConsistentRead: true,
    });
    const { Item } = await this.#client.send(command, inTime());
    if (Item === undefined) throw new IdempotencyItemNotFoundError();
    return readRecord(idempotencyKey, Item);
  }

  protected async _updateRecord(record: IdempotencyRecord): Promise<void> {
    const { expiryTimestamp, responseData, payloadHash = '' } = record;
    const command = new UpdateItemCommand({
      TableName: this.#tableName,
      Key: keyOf(record.idempotencyKey),
      UpdateExpression: 'SET #expiration = :expiration, #status = :status, #data = :data, #validation = :validation',
      ExpressionAttributeNames: {
        '#expiration': 'expiration',
        '#status': 'status',
        '#data': 'data',
        '#validation': 'validation',
      },
      ExpressionAttributeValues: {
        ':expiration': { N: String(expiryTimestamp ?? 0) },
        ':status': { S: record.getStatus() },
        ':data': { S: JSON.stringify(responseData ?? null) },
        ':validation': { S: payloadHash },
      },
    });
    await this.#client.send(command, inTime());
  }

  protected async _deleteRecord(record: IdempotencyRecord): Promise<void> {
    const command = new DeleteItemCommand({ TableName: this.#tableName, Key: keyOf(record.idempotencyKey) });
    await this.#client.send(command, inTime());
  }
}

const keyOf = (id: string): Record<string, AttributeValue> => ({ id: { S: id } });
const inTime = () => ({ abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) });

function readRecord(idempotencyKey: string, item: Item): IdempotencyRecord {
  const statuses = Object.values(IdempotencyRecordStatus);
  const status = statuses.find((each) => each === item.status?.S);
  if (status === undefined) throw new TypeError(`${idempotencyKey}: status is ${item.status?.S}, allowed: ${statuses}`);
  return new IdempotencyRecord({
    idempotencyKey,
    status,
    expiryTimestamp: numberOf(item.expiration),
    inProgressExpiryTimestamp: numberOf(item.in_progress_expiration),
    responseData: JSON.parse(item.data?.S ?? 'null'),
    payloadHash: item.validation?.S,
  });
}

function numberOf(value: AttributeValue | undefined): number | undefined {
  return value?.N === undefined ? undefined : Number(value.N);
}
