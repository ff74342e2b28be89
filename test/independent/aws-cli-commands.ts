/** Runs the AWS CLI against an endpoint, and counts checks made with it. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export interface AwsCli {
  /** Runs a command, and gives its standard output. */
  aws(...args: readonly string[]): Promise<string>;
  /** Runs a line of a shell in the repository, where `aws` finds the endpoint in its environment. */
  shell(line: string): Promise<string>;
  /** What the CLI's own JMESPath query finds in the answer. */
  ask(query: string, ...args: readonly string[]): Promise<unknown>;
  /** Runs a check, and prints what came of it: one that fails does not end the others. */
  check(name: string, body: () => Promise<void>): Promise<void>;
  /** Where files of the checks lie, and the CLI's home. */
  readonly folder: string;
  /** Prints the counts. @returns how many failed */
  summary(): number;
}

export interface AwsCliSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly folder: string;
}

const ROOT = path.join(import.meta.dirname, '../..');
const LIMITS = { timeout: 300_000, maxBuffer: 64 * 1024 * 1024 };

/** The program is `aws`, or what the environment variable `AWS_CLI` names. */
export function createAwsCli({ endpoint, region, folder }: AwsCliSettings): AwsCli {
  const program = process.env.AWS_CLI ?? 'aws';
  // Bytes in arguments are as they are: version 1 takes them so, version 2 would take them for base64.
  mkdirSync(path.join(folder, '.aws'));
  writeFileSync(path.join(folder, '.aws/config'), '[default]\ncli_binary_format = raw-in-base64-out\n');
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    // The CLI takes file names for ASCII without it.
    LANG: 'C.UTF-8',
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_DEFAULT_REGION: region,
    AWS_PAGER: '',
  };
  let passed = 0;
  let failed = 0;

  async function execute(file: string, args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(file, args, { cwd: ROOT, env, ...LIMITS });
    return stdout;
  }

  // As the README says: an endpoint, any region, any credentials.
  const aws = (...args: readonly string[]): Promise<string> => execute(program, ['--endpoint-url', endpoint, ...args]);

  return {
    folder,
    aws,
    shell: (line) => execute('sh', ['-c', line]),
    async ask(query, ...args) {
      return JSON.parse(await aws(...args, '--output', 'json', '--query', query));
    },
    async check(name, body) {
      try {
        await body();
        passed += 1;
        console.log(`ok      ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`FAILED  ${name}\n        ${Error.isError(error) ? error.message : String(error)}`);
      }
    },
    summary() {
      console.log(`\n${passed} passed, ${failed} failed`);
      return failed;
    },
  };
}
