/** Requests as dynalite's validations leave them: numbers normalised, expressions parsed. */
import type { AttributeType, AttributeValue, Item } from './attribute-value.ts';

/** Names and list positions from an item's root. */
export type Path = readonly (string | number)[];

export type Operand = Path | AttributeValue | FunctionCall;

export interface FunctionCall {
  readonly type: 'function';
  readonly name: string;
  readonly args: readonly Operand[];
}

export type Condition =
  | { readonly type: 'and' | 'or' | 'not'; readonly args: readonly Condition[] }
  | {
      readonly type: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'between' | 'in';
      readonly args: readonly Operand[];
    }
  | FunctionCall;

export interface ParsedCondition {
  readonly expression: Condition;
  readonly nestedPaths: Readonly<Record<string, boolean>>;
  /** First names of the paths. */
  readonly pathHeads: Readonly<Record<string, boolean>>;
}

export interface Projection {
  readonly paths: readonly Path[];
  readonly nestedPaths: Readonly<Record<string, boolean>>;
}

export type UpdateOperand =
  | Operand
  | { readonly type: 'add' | 'subtract'; readonly args: readonly [UpdateOperand, UpdateOperand] };

export type UpdateSection =
  | { readonly type: 'set'; readonly path: Path; readonly val: UpdateOperand }
  | { readonly type: 'remove'; readonly path: Path }
  | {
      readonly type: 'add' | 'delete';
      readonly path: Path;
      readonly val: AttributeValue;
      readonly attrType: AttributeType;
    };

export interface Updates {
  readonly sections: readonly UpdateSection[];
  readonly paths: readonly Path[];
  readonly nestedPaths: Readonly<Record<string, boolean>>;
}

interface OnTable {
  readonly TableName: string;
  readonly ReturnConsumedCapacity?: CapacityDetail;
}

export type CapacityDetail = 'INDEXES' | 'TOTAL' | 'NONE';

interface Conditional extends OnTable {
  readonly ReturnValues?: 'NONE' | 'ALL_OLD' | 'UPDATED_OLD' | 'ALL_NEW' | 'UPDATED_NEW';
  readonly _condition?: ParsedCondition;
}

export interface PutItemRequest extends Conditional {
  readonly Item: Item;
}

export interface DeleteItemRequest extends Conditional {
  readonly Key: Item;
}

export interface UpdateItemRequest extends Conditional {
  readonly Key: Item;
  readonly _updates?: Updates;
}

export interface GetItemRequest extends OnTable {
  readonly Key: Item;
  readonly ConsistentRead?: boolean;
  readonly _projection?: Projection;
}

export interface KeysAndAttributes {
  readonly Keys: readonly Item[];
  readonly ConsistentRead?: boolean;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly _projection?: Projection;
}

export interface BatchGetItemRequest {
  readonly RequestItems: Readonly<Record<string, KeysAndAttributes>>;
  readonly ReturnConsumedCapacity?: CapacityDetail;
}

export interface BatchWriteItemRequest {
  readonly RequestItems: Readonly<
    Record<
      string,
      readonly { readonly PutRequest?: { readonly Item: Item }; readonly DeleteRequest?: { readonly Key: Item } }[]
    >
  >;
  readonly ReturnConsumedCapacity?: CapacityDetail;
}

export interface ScanRequest extends OnTable {
  readonly IndexName?: string;
  readonly Limit?: number;
  readonly ConsistentRead?: boolean;
  readonly ExclusiveStartKey?: Item;
  readonly Select?: 'ALL_ATTRIBUTES' | 'ALL_PROJECTED_ATTRIBUTES' | 'SPECIFIC_ATTRIBUTES' | 'COUNT';
  readonly TotalSegments?: number;
  readonly _filter?: ParsedCondition;
  readonly _projection?: Projection;
}

export interface KeyCondition {
  readonly ComparisonOperator: string;
  readonly AttributeValueList: readonly AttributeValue[];
}

export interface QueryRequest extends ScanRequest {
  readonly ScanIndexForward?: boolean;
  readonly KeyConditions: Readonly<Record<string, KeyCondition>>;
}

export interface KeySchemaElement {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}

export interface IndexDefinition {
  readonly IndexName: string;
  readonly KeySchema: readonly KeySchemaElement[];
  readonly Projection: {
    readonly ProjectionType?: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
    readonly NonKeyAttributes?: readonly string[];
  };
}

export interface CreateTableRequest {
  readonly TableName: string;
  readonly AttributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: 'S' | 'N' | 'B';
  }[];
  readonly KeySchema: readonly KeySchemaElement[];
  readonly GlobalSecondaryIndexes?: readonly IndexDefinition[];
  readonly LocalSecondaryIndexes?: readonly IndexDefinition[];
  readonly BillingMode?: 'PROVISIONED' | 'PAY_PER_REQUEST';
  readonly ProvisionedThroughput?: { readonly ReadCapacityUnits: number; readonly WriteCapacityUnits: number };
}
