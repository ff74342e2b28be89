/** Checks what a dataset declares to be pulled by itself. */
import type { DatasetSchedule } from './dataset.ts';
import { shown } from './describe.ts';

const NAME = /^[a-z][a-z0-9-]{0,30}$/;
/** Of `<dataset>-<schedule>`: scheduler/latest/APIReference/API_CreateSchedule.html */
const FULL_NAME_CHARACTERS_MAX = 64;
/** scheduler/latest/UserGuide/schedule-types.html; whether its times exist is seen when it is made. */
const RATE = /^rate\((1 (minute|hour|day)|(?!1 )[1-9]\d{0,5} (minutes|hours|days))\)$/;
const CRON = /^cron\((?:[\dA-Z*,/-]+ ){2}[\dA-Z*?,/-]+ [\dA-Z*,/-]+ [\dA-Z*?,/#-]+ [\d*,/-]+\)$/;
const HOSTS_OF_LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What pulled documents are kept below, in the raw bucket. */
export const PULLED_PREFIX = 'pulled/';
/** AmazonS3/latest/userguide/object-keys.html */
const KEY_BYTES_MAX = 1_024;

/** Bytes of a pulled document, decompressed. More than the greatest does not fit the function's disk. */
export const PULL_BYTES = { min: 1, default: 100 * 1024 * 1024, max: 400 * 1024 * 1024 } as const;
/** For a whole answer; the greatest leaves the function time to store it. */
export const PULL_TIMEOUT_MS = { min: 100, default: 60_000, max: 300_000 } as const;

/** True for the declared host of a URL that stays on this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return HOSTS_OF_LOOPBACK.has(hostname);
}

/** @throws TypeError: what is wrong, what was received, what is allowed */
export function checkSchedules(dataset: string, schedules: readonly DatasetSchedule[]): void {
  const names = new Set<string>();
  for (const schedule of schedules) {
    const { name, expression, enabled = true, pull } = schedule;
    const at = `${dataset}: schedule ${shown(name)}`;
    if (typeof name !== 'string' || !NAME.test(name)) refuse(`${dataset}: name of a schedule`, name, NAME.source);
    if (names.has(name)) refuse(`${dataset}: name of a schedule`, name, 'each name once');
    names.add(name);
    const fullName = `${dataset}-${name}`;
    if (fullName.length > FULL_NAME_CHARACTERS_MAX) {
      refuse(at, fullName, `${FULL_NAME_CHARACTERS_MAX} characters with the name of the dataset`);
    }
    checkExpression(`${at}: expression`, expression);
    if (typeof enabled !== 'boolean') refuse(`${at}: enabled`, enabled, 'true or false');
    if (pull?.kind === 's3') checkPrefix(`${at}: prefix`, pull.prefix);
    else if (pull?.kind === 'http') checkHttp(at, pull);
    else refuse(`${at}: pull`, pull, 'kind "s3" or "http"');
  }
}

function checkExpression(what: string, expression: unknown): void {
  if (typeof expression === 'string') {
    if (RATE.test(expression)) return;
    const [, , date, , weekday] = CRON.test(expression) ? expression.slice('cron('.length, -1).split(' ') : [];
    if (date !== undefined && (date === '?') !== (weekday === '?')) return;
  }
  refuse(
    what,
    expression,
    'rate(1 hour), rate(n hours), and the same of minutes and days; cron(…) of six fields with a ? for one kind of day',
  );
}

function checkPrefix(what: string, prefix: unknown): void {
  const allowed = `1 to ${KEY_BYTES_MAX} bytes, such as incoming/flights/, not beginning with / or ${PULLED_PREFIX}`;
  if (typeof prefix !== 'string' || prefix === '' || prefix.startsWith('/')) refuse(what, prefix, allowed);
  if (Buffer.byteLength(prefix) > KEY_BYTES_MAX || prefix.startsWith(PULLED_PREFIX)) refuse(what, prefix, allowed);
}

function checkHttp(at: string, pull: Extract<DatasetSchedule['pull'], { kind: 'http' }>): void {
  const { url, bytesMax = PULL_BYTES.default, timeoutMs = PULL_TIMEOUT_MS.default } = pull;
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  const isSafe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopbackHost(parsed.hostname));
  if (!parsed || !isSafe) refuse(`${at}: url`, url, 'https, or http on localhost, 127.0.0.1 or [::1]');
  if (parsed.username !== '' || parsed.password !== '' || parsed.hash !== '') {
    // The URL is in the template, and in messages.
    refuse(`${at}: url`, `${parsed.origin}${parsed.pathname}`, 'a URL without user, password and fragment');
  }
  checkWhole(`${at}: bytesMax`, bytesMax, PULL_BYTES);
  checkWhole(`${at}: timeoutMs`, timeoutMs, PULL_TIMEOUT_MS);
}

function checkWhole(what: string, value: unknown, { min, max }: { readonly min: number; readonly max: number }): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  refuse(what, value, `a whole number from ${min} to ${max}`);
}

function refuse(what: string, received: unknown, allowed: string): never {
  throw new TypeError(`${what}: received ${shown(received)}, allowed: ${allowed}`);
}
