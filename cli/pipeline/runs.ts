/** `runs`: the runs that are in a state, or in any. */
import { callPipelines } from './call-pipelines.ts';
import { type ClientSettings, CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { RunList, renderRuns, type ShownRun } from './shown-run.ts';
import { type Output, UsageError, type Verb } from './verb.ts';

const STATUSES = ['queued', 'running', 'landing', 'succeeded', 'succeeded_with_failures', 'failed', 'cancelled'];
/** Runs that the API gives at once. */
const PAGE = 50;
const LIMIT_MAX = 1_000;

export const runs: Verb = {
  name: 'runs',
  summary: 'list runs, the one that changed last first',
  help: `npm run pipeline -- runs [options]

  --status STATUS      ${STATUSES.join(', ')} (default: any)
  --limit N            1 to ${LIMIT_MAX} (default 20)
${CONNECTION_HELP}

With --json, one run a line.`,
  async run(args, output) {
    const { values, positionals } = parseVerb('runs', args, { status: { type: 'string' }, limit: { type: 'string' } });
    if (positionals.length > 0)
      throw new UsageError(`runs takes no ${positionals[0]}: see npm run pipeline -- run --help`);
    const { status, limit: limitText = '20' } = values;
    if (status !== undefined && !STATUSES.includes(status)) {
      throw new UsageError(`--status: received ${status}, allowed: ${STATUSES.join(', ')}`);
    }
    const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
    if (limit < 1 || limit > LIMIT_MAX)
      throw new UsageError(`--limit: received ${limitText}, allowed: 1 to ${LIMIT_MAX}`);
    const settings = clientSettings(values);
    const found: ShownRun[] = [];
    // Each state is a list of its own, the newest first.
    for (const each of status === undefined ? STATUSES : [status])
      found.push(...(await list(each, limit, settings, output)));
    const newest = found.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1)).slice(0, limit);
    if (values.json) for (const run of newest) output.print(JSON.stringify(run));
    else if (newest.length === 0) output.print(status === undefined ? 'there are no runs' : `no run is ${status}`);
    else for (const line of renderRuns(newest)) output.print(line);
    return 0;
  },
};

async function list(status: string, limit: number, settings: ClientSettings, output: Output): Promise<ShownRun[]> {
  const found: ShownRun[] = [];
  let next: string | undefined;
  do {
    const query = { status, limit: String(Math.min(PAGE, limit - found.length)), next };
    const call = { method: 'GET', path: '/pipelines', query, doing: 'listing runs' } as const;
    const page = RunList.parse(await callPipelines(call, settings, output));
    found.push(...page.pipelines);
    next = page.next ?? undefined;
  } while (next !== undefined && found.length < limit);
  return found;
}
