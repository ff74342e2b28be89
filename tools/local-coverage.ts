/**
 * Writes `docs/local-coverage.md`: what the local runtime does with each resource type and property of the template, and
 * with each operation that a role in it may call. From the template and the services themselves, so it cannot drift.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { buildApp } from '../infra/build-app.ts';
import { createClock } from '../local/clock.ts';
import type { LocalService, ResourceKind } from '../local/service.ts';
import { createServices } from '../local/services.ts';
import { INTRINSICS } from '../local/template/intrinsics.ts';
import { planResources } from '../local/template/plan-resources.ts';
import { buildHandlers } from './build.ts';

const PLACE = { account: '000000000000', region: 'us-east-1' };

/** Actions that a role may be granted for which there is nothing to serve locally, by the action's prefix. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'kms:': 'nothing is encrypted locally',
  'xray:': 'traces are not collected',
};

/** @throws Error when the template has what the runtime does not run */
export async function localCoverage(): Promise<string> {
  await buildHandlers();
  const folder = mkdtempSync(path.join(tmpdir(), 'coverage-'));
  const clock = createClock();
  const services = createServices(
    { ...PLACE, endpoint: 'http://127.0.0.1:4566', clock, folder: (scope) => mkdtempSync(path.join(folder, scope)) },
    { assetFolder: () => folder },
  );
  try {
    const app = buildApp({ environment: 'local', context: PLACE, validate: false, overrides: {}, outdir: folder });
    const stacks = app.synth().stacks.map(({ stackName, template }) => ({ stackName, template }));
    const resources = planResources(stacks, services.resourceKinds, PLACE);
    const used = new Map<ResourceKind, Set<string>>();
    for (const { kind, properties } of resources) {
      const names = used.get(kind) ?? new Set();
      for (const name of Object.keys(properties)) names.add(name);
      used.set(kind, names);
    }
    const actions = [...new Set(stacks.flatMap(({ template }) => grantedActions(template)))].sort();
    return render(used, services.all, actions);
  } finally {
    for (const service of [...services.all].reverse()) await service.stop?.();
    clock.stop();
    rmSync(folder, { recursive: true });
  }
}

const Statement = z.looseObject({ Effect: z.literal('Allow'), Action: z.union([z.string(), z.array(z.string())]) });

/** Every action that a statement of a role in the template allows. */
function grantedActions(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const statement = Statement.safeParse(value);
  // A statement of a resource's own policy names a principal; those of roles do not.
  if (statement.success && !('Principal' in statement.data)) return [statement.data.Action].flat();
  return Object.values(value).flatMap(grantedActions);
}

function render(
  used: ReadonlyMap<ResourceKind, ReadonlySet<string>>,
  services: readonly LocalService[],
  actions: readonly string[],
): string {
  const kinds = [...used].sort(([a], [b]) => (a.type < b.type ? -1 : 1));
  const served = services.filter(({ handle }) => handle.operations);
  return [
    '# Local coverage',
    '',
    'What `npm start` does with the template that deploys. Written by `npm run generate` from the template and the local',
    'services; `npm run check` fails when it is stale. **Executed**: it has its effect. **Inert**: accepted, with the reason',
    'why nothing happens. Everything else is **refused** by name: a resource type, property or function of the template',
    'before anything is made, an operation by an error in AWS’s shape. How far an executed behaviour goes is in the README of',
    'its service in `local/`.',
    '',
    `Intrinsic functions: ${INTRINSICS.map((name) => `\`${name}\``).join(', ')}.`,
    'Pseudo parameters: all but `AWS::StackId` and `AWS::NotificationARNs`. `Conditions`, `Mappings` and `Transform` are',
    'refused.',
    '',
    '## Resources of the template',
    '',
    '| type | executed | inert |',
    '| --- | --- | --- |',
    ...kinds.map(([kind, names]) => {
      const inert = [...names].filter((name) => Object.hasOwn(kind.inert, name)).sort();
      const executed = [...names].filter((name) => kind.executed.includes(name)).sort();
      return `| \`${kind.type}\` | ${executed.join(', ') || '–'} | ${inert.join(', ') || '–'} |`;
    }),
    '',
    '## Why a property is inert',
    '',
    '| type | properties | reason |',
    '| --- | --- | --- |',
    ...kinds.flatMap(([kind, names]) => inertRows(kind, names)),
    '',
    '## Operations',
    '',
    '| service | executed |',
    '| --- | --- |',
    ...served
      .map(({ scope, handle }) => `| \`${scope}\` | ${[...(handle.operations ?? [])].sort().join(', ')} |`)
      .sort(),
    '',
    '## What roles of the template may call',
    '',
    '| action | by a local client |',
    '| --- | --- |',
    ...actions.map((action) => `| \`${action}\` | ${fateOf(action, services)} |`),
    '',
  ].join('\n');
}

function inertRows(kind: ResourceKind, names: ReadonlySet<string>): string[] {
  const byReason = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const reason = kind.inert[name];
    if (reason !== undefined) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [...byReason].map(([reason, properties]) => `| \`${kind.type}\` | ${properties.join(', ')} | ${reason} |`);
}

/** IAM names some actions by their permission and not by the operation: S3 lists by ListBucket, for one. */
const OPERATION_OF_ACTION: Readonly<Record<string, string>> = {
  'dynamodb:ConditionCheckItem': 'TransactWriteItems',
  's3:ListBucket': 'ListObjectsV2',
};

function fateOf(action: string, services: readonly LocalService[]): string {
  const effectless = Object.entries(WITHOUT_EFFECT).find(([prefix]) => action.startsWith(prefix));
  if (effectless) return `inert: ${effectless[1]}`;
  const [scope, name = ''] = action.split(':');
  const operation = OPERATION_OF_ACTION[action] ?? name;
  const service = services.find((candidate) => candidate.scope === scope);
  return service?.handle.operations?.includes(operation) ? 'executed' : 'refused';
}

async function main(isCheck: boolean): Promise<void> {
  const file = path.join(import.meta.dirname, '..', 'docs', 'local-coverage.md');
  const wanted = await localCoverage();
  if (existsSync(file) && readFileSync(file, 'utf8') === wanted) return;
  if (isCheck) {
    console.error('docs/local-coverage.md is stale: run npm run generate');
    process.exitCode = 1;
  } else {
    writeFileSync(file, wanted);
    console.log('wrote docs/local-coverage.md');
  }
}

if (process.argv[1] === import.meta.filename) await main(process.argv.includes('--check'));
