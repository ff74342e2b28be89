/** `redrive`: takes up again what came back. */
import { z } from 'zod';
import { CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { invokeFunction } from './invoke-function.ts';
import { UsageError, type Verb } from './verb.ts';

const RedriveReport = z.object({
  played: z.number(),
  counted: z.number(),
  delivered: z.number(),
  objects: z.number(),
  waiting: z.number(),
  failures: z.array(z.object({ key: z.string(), reason: z.string() })),
});

const KINDS = ['parked', 'misdelivered'] as const;

export const redrive: Verb = {
  name: 'redrive',
  summary: 'play again what Lambda gave up, and put to Firehose again what it could not deliver',
  help: `npm run pipeline -- redrive [parked | misdelivered] [options]

Parked records go through the stream again, with the identity of where they first stood; what Firehose could not deliver goes
to Firehose directly, since it was counted. Without a kind, both. Done twice, a record counts once; an object that fails stays
as it is, and the others go on. Wait for a function's timeout after a record was parked: an attempt that Lambda took for dead
may still be at it. Exits 0 only if nothing failed and nothing still waits.

  --key KEY            only this object; may be given again
  --dry-run            say how many objects wait, and do nothing
${CONNECTION_HELP}`,
  async run(args, output) {
    const { values, positionals } = parseVerb('redrive', args, {
      key: { type: 'string', multiple: true },
      'dry-run': { type: 'boolean', default: false },
    });
    const [kind, ...others] = positionals;
    if (others.length > 0 || (kind !== undefined && !KINDS.some((each) => each === kind))) {
      throw new UsageError(`redrive: received ${positionals.join(' ')}, allowed: ${KINDS.join(' or ')}`);
    }
    const event = { what: kind, keys: values.key, dryRun: values['dry-run'] };
    const settings = clientSettings(values);
    const answer = await invokeFunction({ name: 'Redrive', event, doing: 'redriving' }, settings, output);
    const report = RedriveReport.parse(answer);
    if (values.json) output.print(JSON.stringify(answer));
    else for (const line of renderRedrive(report, values['dry-run'])) output.print(line);
    return report.failures.length === 0 && (values['dry-run'] || report.waiting === 0) ? 0 : 1;
  },
};

function renderRedrive(report: z.infer<typeof RedriveReport>, isDryRun: boolean): string[] {
  if (isDryRun) return [`${report.waiting} objects wait`];
  return [
    `${report.objects} objects taken up: ${report.played} records played again, ${report.delivered} documents put to Firehose`,
    ...(report.counted > 0 ? [`${report.counted} parked records were counted already, and left out`] : []),
    ...report.failures.map(({ key, reason }) => `STAYS ${key}: ${reason}`),
    ...(report.waiting > 0 ? [`${report.waiting} objects still wait: the time was over, run it again`] : []),
  ];
}
