/** Which requests of clients were answered, so that one that comes again is answered alike. Items go after a day. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { NAMES } from './names.ts';

export class IdempotencyTable extends Construct {
  readonly tableName: string;
  readonly #table: Table;

  /** @param key of the state table: whoever writes here may use it for that one already */
  constructor(scope: Construct, id: string, { key }: { readonly key: IKey }) {
    super(scope, id);
    // As Powertools has it: docs.aws.amazon.com/powertools/typescript/latest/features/idempotency
    this.#table = new Table(this, 'Table', {
      tableName: NAMES.idempotencyTable,
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      timeToLiveAttribute: 'expiration',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(this.#table, {
      'AwsSolutions-DDB3':
        'Items are of use for a day, and what they say follows from the request: none is worth restoring',
    });
    this.tableName = this.#table.tableName;
  }

  /** Work that failed is forgotten, which is a delete. */
  statement(): PolicyStatement {
    return new PolicyStatement({
      sid: 'RememberRequests',
      actions: ['dynamodb:PutItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
      resources: [this.#table.tableArn],
    });
  }
}
