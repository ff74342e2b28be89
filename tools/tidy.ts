/**
 * Style as a check: rules of this repository that the linter does not have. Each finding is `file:line: what, and what
 * to do instead`. Only files that git knows or would add are read.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Lines that a source file may have before a reader wants it in parts. */
const FILE_LINES_MAX = 400;

interface Rule {
  readonly applies: (file: string) => boolean;
  readonly pattern: RegExp;
  readonly message: string;
}

const isTest = (file: string): boolean => /\.test(-d)?\.ts$/.test(file) || file.startsWith('test/');
const isSource = (file: string): boolean => file.endsWith('.ts') && !file.endsWith('.gen.ts');
const isPure = (file: string): boolean =>
  isSource(file) &&
  !isTest(file) &&
  /^(processors\/stages|schemas|streams\/(codecs|aggregation|tape)|streams\/[^/]+\.ts$)/.test(file);

const RULES: readonly Rule[] = [
  {
    applies: (file) => isPure(file) && !file.startsWith('streams/producer'),
    pattern:
      /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|process\.(env|hrtime|uptime)|setTimeout|setInterval|setImmediate|randomUUID|randomBytes)\b/,
    message: 'a pure layer reads no clock, randomness or environment: take the value as an argument',
  },
  {
    applies: (file) => isSource(file) && file.startsWith('processors/stages/') && !isTest(file),
    pattern: /\bDate\b(?!`)|\basync\b|\bawait\b|\bPromise\b|\bcrypto\b|\bfetch\b/,
    message:
      'a stage is synchronous and knows its arguments only: no Date (use schemas/timestamp.ts), promise, crypto or fetch',
  },
  {
    applies: (file) => isSource(file) && file !== 'tools/tidy.ts',
    pattern: /\b(TODO|FIXME|XXX)\b/,
    message: 'finish it, or file an issue',
  },
  {
    applies: (file) => isSource(file) && isTest(file),
    pattern: /\b(it|test|describe)\.(only|skip)\(/,
    message: 'a test that is skipped or alone checks nothing: remove the word',
  },
];

const FORBIDDEN_NAMES = /(^|[/-])(utils?|helpers?|common|managers?|misc)([/.-]|$)/;

/** All findings below `root`; empty when the tree is tidy. */
export function tidy(root: string): string[] {
  const files = trackedFiles(root);
  return [...files.flatMap((file) => checkFile(root, file)), ...checkDocumentedPaths(root)];
}

function trackedFiles(root: string): string[] {
  const result = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`git ls-files: ${result.stderr || result.error?.message}`);
  return result.stdout.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file)));
}

function checkFile(root: string, file: string): string[] {
  const findings: string[] = [];
  if (FORBIDDEN_NAMES.test(file)) findings.push(`${file}:1: name it for what it does, not utils, common or manager`);
  if (!isSource(file)) return findings;
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  if (lines.length > FILE_LINES_MAX && !isTest(file)) {
    findings.push(`${file}:1: ${lines.length} lines, allowed ${FILE_LINES_MAX}: split it`);
  }
  for (const rule of RULES.filter((candidate) => candidate.applies(file))) {
    lines.forEach((line, index) => {
      const code = line.replace(/^\s*(\*|\/\/|\/\*).*$/, '');
      if (rule.pattern.test(rule.message.startsWith('finish') ? line : code)) {
        findings.push(`${file}:${index + 1}: ${rule.message}`);
      }
    });
  }
  return findings;
}

/** Every path in backquotes that CONTRIBUTING.md and docs/architecture.md name exists. */
function checkDocumentedPaths(root: string): string[] {
  const findings: string[] = [];
  for (const document of ['CONTRIBUTING.md', 'README.md', 'docs/architecture.md']) {
    const file = path.join(root, document);
    if (!existsSync(file)) continue;
    for (const [, named] of readFileSync(file, 'utf8').matchAll(
      /`((?:schemas|streams|processors|infra|local|cli|bench|tools|test|docs)\/[\w./-]*)`/g,
    )) {
      if (named && !existsSync(path.join(root, named)))
        findings.push(`${document}:1: names ${named}, which does not exist`);
    }
  }
  return findings;
}
