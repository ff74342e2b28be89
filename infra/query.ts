/** The Athena workgroup: results encrypted in one place whatever a client asks for, and a cap on what a query scans. */
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ARCHIVE_PREFIXES, NAMES } from './names.ts';
import type { Settings } from './settings.ts';

export interface QueryProps {
  readonly archive: IBucket;
  readonly key: IKey;
  readonly settings: Settings['query'];
  /** Whether the workgroup goes with its stack even while it holds named queries and history. */
  readonly deletable: boolean;
}

export class Query extends Construct {
  readonly workGroupName: string;

  constructor(scope: Construct, id: string, { archive, key, settings, deletable }: QueryProps) {
    super(scope, id);
    const workGroup = new CfnWorkGroup(this, 'WorkGroup', {
      name: NAMES.workGroup,
      description: 'Queries over what the data pipeline delivered',
      recursiveDeleteOption: deletable,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: settings.scanMax.toBytes(),
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${archive.bucketName}/${ARCHIVE_PREFIXES.athenaResults}`,
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: key.keyArn },
        },
      },
    });
    this.workGroupName = workGroup.name;
  }
}
