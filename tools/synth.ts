/**
 * `npm run synth`: synthesizes the CDK app to `cdk.out`, with cdk-nag and the CloudFormation linter, and prints what is
 * in it. Needs no network and no account.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildApp } from '../infra/build-app.ts';
import { ENVIRONMENTS, parseEnvironment } from '../infra/settings.ts';

const HELP = `npm run synth -- [options]

Synthesizes the CDK app offline and prints its stacks.

  --environment <name>  ${ENVIRONMENTS.join(', ')} (default: prod, which is what npm run deploy deploys)
  --region <region>     default: us-east-1
  --account <id>        12 digits; default: none, the templates fit any account
  --outdir <folder>     default: cdk.out
  --no-validation       without cdk-nag and the linter, which take most of the time
  --json                one JSON object
  --help`;

interface StackSummary {
  readonly stack: string;
  readonly template: string;
  readonly resources: number;
  readonly byType: Readonly<Record<string, number>>;
}

function main(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: {
      environment: { type: 'string', default: 'prod' },
      region: { type: 'string' },
      account: { type: 'string' },
      outdir: { type: 'string', default: 'cdk.out' },
      'no-validation': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const startedAt = performance.now();
  const outdir = path.resolve(values.outdir);
  const context = { region: values.region, account: values.account };
  const environment = parseEnvironment(values.environment);
  const app = buildApp({ environment, outdir, context, validate: !values['no-validation'] });
  const stacks = app.synth().stacks;
  const summaries = stacks.map(({ stackName, templateFullPath, template }) =>
    summarize(stackName, templateFullPath, template),
  );
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  if (values.json) console.log(JSON.stringify({ environment, outdir, seconds, stacks: summaries }));
  else print(summaries, `${environment}, ${path.relative('', outdir) || '.'}, ${seconds} s`);
}

function summarize(stack: string, template: string, content: unknown): StackSummary {
  const resources = isObject(content) && isObject(content.Resources) ? Object.values(content.Resources) : [];
  const byType: Record<string, number> = {};
  for (const resource of resources) {
    const type = isObject(resource) ? String(resource.Type) : 'unknown';
    byType[type] = (byType[type] ?? 0) + 1;
  }
  return { stack, template, resources: resources.length, byType };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function print(summaries: readonly StackSummary[], where: string): void {
  for (const { stack, resources, byType } of summaries) {
    console.log(`${stack}: ${resources} resources`);
    for (const [type, count] of Object.entries(byType).sort()) console.log(`  ${String(count).padStart(3)} ${type}`);
  }
  console.log(where);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`synth: ${Error.isError(error) ? error.message : String(error)}`);
  process.exitCode = 1;
}
