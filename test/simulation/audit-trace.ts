/** Tracing, asked of some events of the world at rest: it must answer as the world knows. */
import { type TracedRecord, type TracePorts, trace } from '../../batch/trace/trace.ts';
import { portsOf, type ReconciledWorld, settingsOf } from './audit-reconcile.ts';
import { createRandom } from './random.ts';
import { createTablesAtRest } from './tables-at-rest.ts';
import { differences, type Truth, truthsOf } from './traced-truth.ts';
import { Violation } from './violation.ts';

/** Of each fate, before the rest is random. */
const OF_FATE = 8;

/**
 * Asks by `_record_id`, `_position` and `_event_id`, and for those at rest by object and row.
 * @returns the events that were asked for
 * @throws Violation
 */
export async function auditTrace(world: ReconciledWorld, eventsMax: number): Promise<readonly Truth[]> {
  const atRest = createTablesAtRest(world.firehose.objects);
  const ports: TracePorts = { ...portsOf(world, atRest), rows: atRest.rows, isTimeUp: () => false };
  const settings = settingsOf(world);
  const chosen = choose(await truthsOf(world, atRest), world.scenario.seed, eventsMax);
  const ask = async (id: string) => (await trace({ id }, settings, ports)).records;

  for (const truth of chosen) {
    const { event, fate, rows } = truth;
    const { recordId, position } = event;
    const hold = (asked: string, records: readonly TracedRecord[]): void => {
      const traced = records.find((each) => each.recordId === recordId);
      const [what] = differences(truth, traced, asked === '_event_id');
      if (what === undefined) return;
      const name = `${event.planned.kind} ${event.planned.id}, ${recordId} at ${position}, ${fate}`;
      throw new Violation('trace answers as it is', `${name}; by ${asked}: ${what}`);
    };
    hold('_record_id', await ask(recordId));
    hold('_position', await ask(position));
    const own = rows.filter(({ accepted }) => accepted.recordId === recordId);
    const eventId = own[0]?.accepted.row._event_id;
    if (typeof eventId === 'string') hold('_event_id', await ask(eventId));
    for (const { object, row } of own.slice(0, 2)) {
      hold('its row', (await trace({ objectKey: object, row }, settings, ports)).records);
    }
  }
  return chosen;
}

/** Some events, the rare fates first. */
function choose(truths: readonly Truth[], seed: number, eventsMax: number): readonly Truth[] {
  const random = createRandom(seed, 'trace');
  const shuffled = truths.map((truth) => ({ truth, at: random.next() })).sort((a, b) => a.at - b.at);
  const byFate = [...Map.groupBy(shuffled, ({ truth }) => truth.fate).values()].sort((a, b) => a.length - b.length);
  const few = byFate.flatMap((same) => same.slice(0, Math.min(OF_FATE, Math.ceil(eventsMax / byFate.length))));
  const rest = shuffled.filter((each) => !few.includes(each));
  return [...few, ...rest].slice(0, eventsMax).map(({ truth }) => truth);
}
