/**
 * The state table: checkpoints, journal and ledger of the books, as items by (pk, sk). Writers are given what the books
 * ask of it and no more: nobody deletes an item, time to live alone does.
 */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct, type IDependable } from 'constructs';
import { NAMES } from './names.ts';

export interface StateTableProps {
  readonly key: IKey;
  readonly removalPolicy: RemovalPolicy;
  /**
   * What has to stand before the table is made. A protected table cannot be rolled back, so it comes last: then no other
   * resource is left to fail a create, which could not be tried again while the table holds its name.
   */
  readonly after: readonly IDependable[];
}

/** A single table, and not a global one: an account and region holds one environment. */
export class StateTable extends Construct {
  readonly tableName: string;
  readonly #table: Table;
  readonly #key: IKey;

  constructor(scope: Construct, id: string, { key, removalPolicy, after }: StateTableProps) {
    super(scope, id);
    this.#key = key;
    this.#table = new Table(this, 'Table', {
      tableName: NAMES.stateTable,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expires_at',
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
    // What a state machine of items is in, such as runs: only items with both attributes are in the index.
    this.#table.addGlobalSecondaryIndex({
      indexName: STATUS_INDEX,
      partitionKey: { name: 'status', type: AttributeType.STRING },
      // Epoch milliseconds.
      sortKey: { name: 'updated_at', type: AttributeType.NUMBER },
      projectionType: ProjectionType.ALL,
    });
    this.#table.node.addDependency(...after);
    this.tableName = this.#table.tableName;
  }

  /** To get items and query them, also by status. */
  readStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({
        sid: 'ReadState',
        actions: READ_ACTIONS,
        resources: [this.#table.tableArn],
      }),
      this.#queryByStatus(),
      new PolicyStatement({ sid: 'DecryptState', actions: READ_KEY_ACTIONS, resources: [this.#key.keyArn] }),
    ];
  }

  /**
   * To read, and to write under conditions, in transactions too.
   * @param byStatus whether to query by status. Default: false
   */
  writeStatements({ byStatus = false }: { readonly byStatus?: boolean } = {}): PolicyStatement[] {
    return [
      new PolicyStatement({
        sid: 'KeepState',
        actions: [...READ_ACTIONS, ...WRITE_ACTIONS],
        resources: [this.#table.tableArn],
      }),
      ...(byStatus ? [this.#queryByStatus()] : []),
      new PolicyStatement({
        sid: 'EncryptState',
        actions: [...READ_KEY_ACTIONS, ...WRITE_KEY_ACTIONS],
        resources: [this.#key.keyArn],
      }),
    ];
  }

  #queryByStatus(): PolicyStatement {
    return new PolicyStatement({
      sid: 'ReadStateByStatus',
      actions: ['dynamodb:Query'],
      resources: [`${this.#table.tableArn}/index/${STATUS_INDEX}`],
    });
  }
}

const STATUS_INDEX = 'by-status';

/** TransactWriteItems is granted by the actions in it: amazondynamodb/latest/developerguide/transaction-apis-iam.html */
const READ_ACTIONS = ['dynamodb:GetItem', 'dynamodb:Query'];
const WRITE_ACTIONS = ['dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'];
/** What DynamoDB does with the key in its caller's name: amazondynamodb/latest/developerguide/encryption.usagenotes.html */
const READ_KEY_ACTIONS = ['kms:Decrypt', 'kms:DescribeKey'];
const WRITE_KEY_ACTIONS = [
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];
