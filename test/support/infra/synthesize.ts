/** The templates of the app for tests: real datasets, bundles that hold nothing, no `.env`, and no validation. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type BuildAppProps, buildApp } from '../../../infra/build-app.ts';
import { HANDLERS } from '../../../infra/handlers.ts';
import { PipelineStack } from '../../../infra/pipeline-stack.ts';
import { StatefulStack } from '../../../infra/stateful-stack.ts';

export interface Synthesized {
  readonly stateful: Template;
  readonly pipeline: Template;
}

export function buildTestApp(props: BuildAppProps): App {
  return buildApp({ overrides: {}, validate: false, bundles: emptyBundles(), outdir: temporaryFolder(), ...props });
}

export function synthesize(props: BuildAppProps): Synthesized {
  const app = buildTestApp(props);
  const stacks = app.node.children;
  const stateful = stacks.find((stack) => stack instanceof StatefulStack);
  const pipeline = stacks.find((stack) => stack instanceof PipelineStack);
  if (!stateful || !pipeline) throw new Error(`stacks: received ${stacks.map(({ node }) => node.id).join(', ')}`);
  return { stateful: Template.fromStack(stateful), pipeline: Template.fromStack(pipeline) };
}

export function temporaryFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'data-pipeline-'));
}

function emptyBundles(): string {
  const folder = temporaryFolder();
  for (const name of Object.keys(HANDLERS)) {
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, 'index.cjs'), `exports.handler = async () => '${name}';\n`);
  }
  return folder;
}
