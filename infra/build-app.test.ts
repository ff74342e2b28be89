import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { datasets } from '../schemas/index.ts';
import { buildTestApp } from '../test/support/infra/synthesize.ts';
import { ENVIRONMENTS, type EnvironmentName } from './settings.ts';
import { StatefulStack } from './stateful-stack.ts';

/** cdk-nag and the CloudFormation linter read both templates: seconds, where synthesis alone takes tenths. */
const VALIDATION_TIMEOUT_MS = 120_000;

const NAME_PROPERTIES = [
  ...['Name', 'BucketName', 'AliasName', 'QueueName', 'FunctionName', 'LogGroupName', 'DeliveryStreamName'],
  ...['DatabaseInput', 'TableInput', 'TableName', 'AlarmName'],
];

/** Type and physical name of every resource that the template names. */
function physicalNames(template: { readonly Resources: Readonly<Record<string, CfnResource>> }): string[] {
  return Object.values(template.Resources).flatMap(({ Type, Properties = {} }) =>
    NAME_PROPERTIES.flatMap((property) => {
      const value = Properties[property];
      if (value === undefined) return [];
      const name = isObject(value) && 'Name' in value ? value.Name : value;
      return [`${Type} ${typeof name === 'string' ? name : JSON.stringify(name)}`];
    }),
  );
}

interface CfnResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

describe('buildApp', () => {
  it.each(['prod', 'local'] as const)(
    'passes cdk-nag and the CloudFormation linter for %s',
    (environment) => {
      const app = buildTestApp({ environment, validate: true });

      expect(() => app.synth()).not.toThrow();
    },
    VALIDATION_TIMEOUT_MS,
  );

  it(
    'fails if a resource breaks a rule of cdk-nag that nobody acknowledged',
    () => {
      const app = buildTestApp({ environment: 'prod', validate: true });
      const stateful = app.node.children.find((child) => child instanceof StatefulStack);
      if (!stateful) throw new Error('no stateful stack');
      new CfnBucket(stateful, 'Open');

      expect(() => app.synth()).toThrow('AwsSolutions-S10');
    },
    VALIDATION_TIMEOUT_MS,
  );

  it('needs no account: the templates fit any, in the region of the context', () => {
    const { stacks } = buildTestApp({ environment: 'prod', context: { region: 'eu-west-1' } }).synth();

    expect(stacks.map(({ environment }) => environment)).toEqual(
      stacks.map(() => ({ account: 'unknown-account', region: 'eu-west-1', name: 'aws://unknown-account/eu-west-1' })),
    );
    expect(stacks.map(({ stackName }) => stackName)).toEqual(['DataPipelineStateful', 'DataPipeline']);
  });

  it('takes a bootstrapped account, and the README says how to make one', () => {
    const { stacks } = buildTestApp({ environment: 'prod' }).synth();
    const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8');
    const [, deploy = ''] = readme.split('## Deploy');

    expect(stacks.map(({ template }) => Object.keys(template.Parameters))).toEqual(
      stacks.map(() => ['BootstrapVersion']),
    );
    expect(deploy.indexOf('npx cdk bootstrap')).toBeGreaterThan(0);
    expect(deploy.indexOf('npx cdk bootstrap')).toBeLessThan(deploy.indexOf('npm run deploy'));
  });

  it('places the stacks in the account of the context', () => {
    const { stacks } = buildTestApp({ environment: 'prod', context: { account: '123456789012' } }).synth();

    expect(new Set(stacks.map(({ environment }) => environment.account))).toEqual(new Set(['123456789012']));
  });

  it('builds prod where neither the caller nor the context names an environment', () => {
    const tagsOf = (context: Record<string, unknown>) =>
      buildTestApp({ context })
        .synth()
        .stacks.map(({ tags }) => tags.environment);

    expect(tagsOf({})).toEqual(['prod', 'prod']);
    expect(tagsOf({ environment: 'dev' })).toEqual(['dev', 'dev']);
  });

  it('gives each environment stacks of its own, so that none is deployed over another', () => {
    const namesOf = (environment: EnvironmentName) =>
      buildTestApp({ environment })
        .synth()
        .stacks.map(({ stackName }) => stackName);

    expect(ENVIRONMENTS.map(namesOf)).toEqual([
      ['DataPipelineLocalStateful', 'DataPipelineLocal'],
      ['DataPipelineDevStateful', 'DataPipelineDev'],
      ['DataPipelineStateful', 'DataPipeline'],
    ]);
  });

  it('gives every environment the same physical names, so that two in one account and region clash at create', () => {
    const namesOf = (environment: EnvironmentName) =>
      buildTestApp({ environment })
        .synth()
        .stacks.flatMap(({ template }) => physicalNames(template));

    const prod = namesOf('prod');

    expect(prod).toContain('AWS::Kinesis::Stream data-pipeline-stream');
    expect(namesOf('dev')).toEqual(prod);
    expect(namesOf('local')).toEqual(prod);
  });

  it('protects the data of production from the deletion of its stack', () => {
    const protection = (environment: 'prod' | 'dev') =>
      buildTestApp({ environment })
        .synth()
        .stacks.map(({ terminationProtection }) => terminationProtection ?? false);

    expect(protection('prod')).toEqual([true, false]);
    expect(protection('dev')).toEqual([false, false]);
  });

  it('gives the same templates each time', () => {
    const templates = () =>
      buildTestApp({ environment: 'local' })
        .synth()
        .stacks.map(({ template }) => template);

    expect(templates()).toEqual(templates());
  });

  it('guards what one stack takes from the other: exports, not outputs read once', () => {
    const [, pipeline] = buildTestApp({ environment: 'prod' }).synth().stacks;

    const text = JSON.stringify(pipeline?.template);

    expect(text).toContain('Fn::ImportValue');
    expect(text).not.toContain('Fn::GetStackOutput');
  });

  it('lets a dataset be removed: what the deployed pipeline imports is still exported without it', () => {
    const stacksWith = (names: readonly string[]) =>
      buildTestApp({ environment: 'prod', datasets: names.flatMap((name) => datasets.get(name) ?? []) }).synth().stacks;
    const [, deployed] = stacksWith(['earthquakes', 'flights']);
    const [updated] = stacksWith(['earthquakes']);

    const imported = JSON.stringify(deployed?.template).match(/(?<="Fn::ImportValue":")[^"]+/g) ?? [];
    const exported: { Export?: { Name: string } }[] = Object.values(updated?.template.Outputs);

    expect(imported.length).toBeGreaterThan(5);
    expect(exported.map(({ Export }) => Export?.Name)).toEqual(expect.arrayContaining([...new Set(imported)]));
  });

  it('deploys tables before what delivers to them', () => {
    const [stateful, pipeline] = buildTestApp({ environment: 'prod' }).synth().stacks;

    expect(pipeline?.dependencies).toContain(stateful);
  });

  it('warns of a setting in .env that has no effect yet', () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => {});
    const { stacks } = buildTestApp({ environment: 'prod', overrides: { ALERT_EMAIL: 'a@example.com' } }).synth();

    printed.mockRestore();
    const warnings = stacks.flatMap(({ messages }) => messages).filter(({ level }) => level === 'warning');

    expect(warnings.map(({ entry }) => String(entry.data))).toEqual([
      expect.stringContaining('ALERT_EMAIL in .env has no effect yet'),
    ]);
  });

  it('fails if the default dataset does not exist', () => {
    expect(() => buildTestApp({ environment: 'prod', defaultDataset: 'orders' })).toThrow(
      'default dataset: received "orders", allowed: earthquakes, flights',
    );
  });

  it('fails if the account or the environment of the context is wrong', () => {
    expect(() => buildTestApp({ context: { account: '12' } })).toThrow(
      'context account: received "12", allowed: 12 digits',
    );
    expect(() => buildTestApp({ context: { environment: 'qa' } })).toThrow(
      'environment: received "qa", allowed: local, dev, prod',
    );
  });
});
