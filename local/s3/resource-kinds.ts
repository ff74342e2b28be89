/**
 * The resource types of a template that S3 makes real.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Identity, Properties, ResourceContext, ResourceKind } from '../service.ts';
import type { BucketStore } from './bucket-store.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const NAME_CHARS_MAX = 63;
const DIGEST_CHARS = 8;

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
const Notification = z
  .strictObject({
    // CloudFormation has the switch on unless it says otherwise.
    EventBridgeConfiguration: z.object({ EventBridgeEnabled: flag.default(true) }).optional(),
  })
  .optional();

export function s3ResourceKinds(store: BucketStore): readonly ResourceKind[] {
  return [
    {
      type: 'AWS::S3::Bucket',
      executed: ['BucketName', 'NotificationConfiguration'],
      inert: {
        BucketEncryption: 'nothing is encrypted locally',
        LifecycleConfiguration: 'objects do not age locally',
        OwnershipControls: 'access is not checked locally',
        PublicAccessBlockConfiguration: 'access is not checked locally',
        Tags: 'tags have no effect',
        VersioningConfiguration: 'one version of an object is kept locally',
      },
      identify: identifyBucket,
      create(properties, { ref }) {
        const publishes = publishesEvents(ref, properties.NotificationConfiguration);
        store.makeBucket(ref);
        store.setPublishes(ref, publishes);
      },
    },
    {
      type: 'AWS::S3::BucketPolicy',
      executed: [],
      inert: { Bucket: 'access is not checked locally', PolicyDocument: 'access is not checked locally' },
      identify: (properties, context) => ({
        ref: typeof properties.Bucket === 'string' ? properties.Bucket : `${context.stackName}-${context.logicalId}`,
        attributes: {},
      }),
    },
  ];
}

function identifyBucket(properties: Properties, context: ResourceContext): Identity {
  const given = properties.BucketName;
  const name = typeof given === 'string' ? given : derivedName(context);
  return {
    ref: name,
    attributes: {
      Arn: `arn:aws:s3:::${name}`,
      DomainName: `${name}.s3.amazonaws.com`,
      DualStackDomainName: `${name}.s3.dualstack.${context.region}.amazonaws.com`,
      RegionalDomainName: `${name}.s3.${context.region}.amazonaws.com`,
    },
  };
}

/** Always the same for one resource, so that its objects are there again at the next start. */
function derivedName({ stackName, logicalId, account, region }: ResourceContext): string {
  const digest = createHash('sha256').update(`${account}/${region}/${stackName}/${logicalId}`).digest('hex');
  const readable = `${stackName}-${logicalId}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, '');
  return `${readable.slice(0, NAME_CHARS_MAX - DIGEST_CHARS - 1)}-${digest.slice(0, DIGEST_CHARS)}`;
}

/** @throws Error for notifications to anything but EventBridge */
function publishesEvents(bucket: string, configuration: unknown): boolean {
  const parsed = Notification.safeParse(configuration);
  if (parsed.success) return parsed.data?.EventBridgeConfiguration?.EventBridgeEnabled ?? false;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ');
  throw new Error(
    `Bucket ${bucket}: NotificationConfiguration has what is not supported locally: ${problems}. Supported: EventBridgeConfiguration.`,
  );
}
