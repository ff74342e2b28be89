/**
 * Resource types of the template that have no effect locally as a whole: access, encryption and alarms. What their `Ref` and
 * `Fn::GetAtt` give is what CloudFormation documents, so that other resources can refer to them.
 *
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/, the page of each type, "Return values".
 */
import { createHash } from 'node:crypto';
import type { Identity, Properties, ResourceContext, ResourceKind } from '../service.ts';

const ACCESS = 'access is not checked locally';
const ENCRYPTION = 'nothing is encrypted locally';
const METRICS = 'metrics are not kept locally: they are lines of the log';
const TAGS = 'no operation that is served locally reads them';

/** Characters of a role's or policy's name. */
const NAME_CHARACTERS_MAX = 64;

export function inertResourceKinds(): readonly ResourceKind[] {
  return [
    {
      type: 'AWS::IAM::Role',
      executed: [],
      inert: {
        ...each(ACCESS, [
          'AssumeRolePolicyDocument',
          'Description',
          'ManagedPolicyArns',
          'MaxSessionDuration',
          'Path',
          'PermissionsBoundary',
          'Policies',
        ]),
        RoleName: 'it is the name in Ref and Arn; access is not checked locally',
        Tags: TAGS,
      },
      identify: identifyRole,
    },
    {
      type: 'AWS::IAM::Policy',
      executed: [],
      inert: each(ACCESS, ['Groups', 'PolicyDocument', 'PolicyName', 'Roles', 'Users']),
      identify: (_properties, context) => {
        const id = derivedName(context);
        return { ref: id, attributes: { Id: id } };
      },
    },
    {
      type: 'AWS::IAM::ManagedPolicy',
      executed: [],
      inert: each(ACCESS, ['Description', 'Groups', 'ManagedPolicyName', 'Path', 'PolicyDocument', 'Roles', 'Users']),
      identify: identifyManagedPolicy,
    },
    {
      type: 'AWS::KMS::Key',
      executed: [],
      inert: {
        ...each(ENCRYPTION, [
          'BypassPolicyLockoutSafetyCheck',
          'Description',
          'EnableKeyRotation',
          'Enabled',
          'KeyPolicy',
          'KeySpec',
          'KeyUsage',
          'MultiRegion',
          'Origin',
          'PendingWindowInDays',
          'RotationPeriodInDays',
        ]),
        Tags: TAGS,
      },
      identify: identifyKey,
    },
    {
      type: 'AWS::KMS::Alias',
      executed: [],
      inert: each(ENCRYPTION, ['AliasName', 'TargetKeyId']),
      identify: identifyAlias,
    },
    {
      type: 'AWS::CloudWatch::Alarm',
      executed: [],
      inert: {
        ...each(METRICS, [
          'ActionsEnabled',
          'AlarmActions',
          'AlarmDescription',
          'AlarmName',
          'ComparisonOperator',
          'DatapointsToAlarm',
          'Dimensions',
          'EvaluateLowSampleCountPercentile',
          'EvaluationPeriods',
          'ExtendedStatistic',
          'InsufficientDataActions',
          'MetricName',
          'Metrics',
          'Namespace',
          'OKActions',
          'Period',
          'Statistic',
          'Threshold',
          'ThresholdMetricId',
          'TreatMissingData',
          'Unit',
        ]),
        Tags: TAGS,
      },
      identify: identifyAlarm,
    },
    {
      type: 'AWS::CDK::Metadata',
      executed: [],
      inert: { Analytics: 'it tells AWS which constructs a deployed app uses' },
      identify: (_properties, context) => ({ ref: derivedName(context), attributes: {} }),
    },
  ];
}

function each(reason: string, properties: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(properties.map((name) => [name, reason]));
}

function identifyRole(properties: Properties, context: ResourceContext): Identity {
  const name = textOr(properties.RoleName, derivedName(context));
  const arn = `arn:aws:iam::${context.account}:role${textOr(properties.Path, '/')}${name}`;
  // Ids of roles begin with AROA (IAM/latest/UserGuide/reference_identifiers.html).
  const id = `AROA${digestOf(context).toUpperCase().slice(0, 17)}`;
  return { ref: name, attributes: { Arn: arn, RoleId: id } };
}

function identifyManagedPolicy(properties: Properties, context: ResourceContext): Identity {
  const name = textOr(properties.ManagedPolicyName, derivedName(context));
  const arn = `arn:aws:iam::${context.account}:policy${textOr(properties.Path, '/')}${name}`;
  return { ref: arn, attributes: { PolicyArn: arn } };
}

/** The id follows from the key's place in the template, so that it is the same at each start. */
function identifyKey(_properties: Properties, context: ResourceContext): Identity {
  const digest = digestOf(context);
  const id = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-');
  return { ref: id, attributes: { Arn: `arn:aws:kms:${context.region}:${context.account}:key/${id}`, KeyId: id } };
}

function identifyAlias(properties: Properties, context: ResourceContext): Identity {
  const name = properties.AliasName;
  if (typeof name === 'string' && /^alias\/[\w/-]{1,250}$/.test(name)) return { ref: name, attributes: {} };
  const allowed = 'alias/ and 1 to 250 letters, digits, slashes, hyphens and underscores';
  throw new Error(
    `${context.logicalId} (AWS::KMS::Alias): AliasName: ${allowed}, received ${JSON.stringify(name) ?? 'nothing'}`,
  );
}

function identifyAlarm(properties: Properties, context: ResourceContext): Identity {
  const name = textOr(properties.AlarmName, derivedName(context));
  return {
    ref: name,
    attributes: { Arn: `arn:aws:cloudwatch:${context.region}:${context.account}:alarm:${name}` },
  };
}

function textOr(given: unknown, derived: string): string {
  return typeof given === 'string' ? given : derived;
}

function derivedName(context: ResourceContext): string {
  const full = `${context.stackName}-${context.logicalId}`;
  if (full.length <= NAME_CHARACTERS_MAX) return full;
  return `${full.slice(0, NAME_CHARACTERS_MAX - 13)}-${digestOf(context).slice(0, 12)}`;
}

function digestOf(context: ResourceContext): string {
  return createHash('sha256').update(`${context.stackName}/${context.logicalId}`).digest('hex');
}
