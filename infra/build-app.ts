/**
 * Builds the CDK app: for the CDK CLI (`infra/app.ts`), for `npm run synth`, for the local runtime and for tests alike.
 * It needs no network and no account: stacks have a region only, and an account when the context gives one.
 */
import path from 'node:path';
import { Annotations, App, Validations } from 'aws-cdk-lib';
import flags from 'aws-cdk-lib/recommended-feature-flags.json' with { type: 'json' };
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Dataset } from '../schemas/dataset.ts';
import { datasets as allDatasets } from '../schemas/index.ts';
import { BUNDLES } from './handlers.ts';
import { stackNames } from './names.ts';
import { PipelineStack } from './pipeline-stack.ts';
import {
  type EnvironmentName,
  type Overrides,
  parseEnvironment,
  readOverrides,
  settingsOf,
  unusedOverrides,
} from './settings.ts';
import { StatefulStack } from './stateful-stack.ts';

const ROOT = path.join(import.meta.dirname, '..');

export interface BuildAppProps {
  /** Default: the context's `environment`, as in `cdk deploy --context environment=dev`, else `prod`. */
  readonly environment?: EnvironmentName;
  /** Folder for the cloud assembly. Default: a new temporary folder, or what the CDK CLI asks for. */
  readonly outdir?: string;
  /** CDK context. `account` and `region` place the stacks. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Whether `synth` runs cdk-nag and the CloudFormation linter, which takes seconds. Default: true. */
  readonly validate?: boolean;
  /** Default: the values of `.env` in the repository. */
  readonly overrides?: Overrides;
  /** Folder with a bundle folder for each handler. Default: `build/lambda`. */
  readonly bundles?: string;
  /** Default: every dataset of `schemas/index.ts`. */
  readonly datasets?: readonly Dataset[];
  /** Dataset of plain JSON, which names none. Default: `earthquakes`. */
  readonly defaultDataset?: string;
}

const CONTEXT: Readonly<Record<string, unknown>> = {
  ...flags,
  // Gives Fn::ImportValue, which CloudFormation guards: an export in use cannot be removed.
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  // Names the asset of each function in the template, for the local runtime.
  'aws:cdk:enable-asset-metadata': true,
};

/** @throws Error when a setting is not allowed, or a function's bundle has not been built */
export function buildApp(props: BuildAppProps): App {
  const { outdir, context = {}, validate = true, overrides = readOverrides(ROOT) } = props;
  const datasets = props.datasets ?? [...allDatasets.values()];
  const defaultDataset = props.defaultDataset ?? 'earthquakes';
  if (!datasets.some(({ name }) => name === defaultDataset)) {
    const names = datasets.map(({ name }) => name).join(', ');
    throw new Error(`default dataset: received ${JSON.stringify(defaultDataset)}, allowed: ${names}`);
  }
  const app = new App({
    outdir,
    analyticsReporting: false,
    builtinCloudFormationValidation: validate,
    context: { ...CONTEXT, ...context },
  });
  const environment = props.environment ?? parseEnvironment(textOf(app, 'environment') ?? 'prod');
  const settings = settingsOf(environment, overrides);
  const env = { region: textOf(app, 'region') ?? 'us-east-1', account: accountOf(app) };
  const shared = { env, settings, tags: { project: 'data-pipeline', environment } };
  const ids = stackNames(environment);

  const stateful = new StatefulStack(app, ids.stateful, {
    ...shared,
    datasets,
    terminationProtection: environment === 'prod',
    description: 'Data pipeline: keys, buckets, stream, catalog and state',
  });
  new PipelineStack(app, ids.pipeline, {
    ...shared,
    stateful,
    datasets,
    defaultDataset,
    bundles: props.bundles ?? path.join(ROOT, BUNDLES),
    description: 'Data pipeline: processor, delivery, catalog registration and queries',
  });
  for (const name of unusedOverrides(overrides)) {
    Annotations.of(stateful).addWarningV2(`data-pipeline:${name}`, `${name} in .env has no effect yet`);
  }
  if (validate) Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}

function accountOf(app: App): string | undefined {
  const account = textOf(app, 'account');
  if (account === undefined || /^\d{12}$/.test(account)) return account;
  throw new Error(`context account: received ${JSON.stringify(account)}, allowed: 12 digits`);
}

function textOf(app: App, key: string): string | undefined {
  const value: unknown = app.node.tryGetContext(key);
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(`context ${key}: received ${JSON.stringify(value)}, allowed: text`);
}
