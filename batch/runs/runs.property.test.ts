import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRunWorld, RUN_ID, type RunWorld } from '../../test/support/batch/run-world.ts';
import { LANDING_MS_MAX, UNACCOUNTED_MS_MAX } from './advance-run.ts';
import { ENDED, type Run } from './run.ts';

const HOUR_MS = 3_600_000;

const deed = fc.record({
  kind: fc.constantFrom(
    ...['produce', 'produce', 'produce', 'produce unsaid', 'repeat', 'finish', 'cancel', 'open'],
    ...['fold', 'fold', 'fold', 'fold', 'others', 'land', 'land', 'land', 'park', 'park committed', 'play'],
    ...['advance', 'advance', 'advance', 'pass', 'pass long'],
  ),
  pick: fc.nat(20),
  events: fc.integer({ min: 1, max: 3 }),
});
type Deed = typeof deed extends fc.Arbitrary<infer Value> ? Value : never;

/** A producer, or an asker, who says things twice, and what it has said so far. */
function createTeller(kind: 's3' | 'api', world: RunWorld) {
  const { runs } = world;
  let [produced, cut] = [0, 0];
  let told = 0;
  const requests = new Map<string, number>();

  /** One that asks before it puts, as a producer must. */
  async function produce(events: number, isSaid: boolean): Promise<void> {
    if (kind === 'api') {
      const request = `request-${requests.size}`;
      if ((await runs.add(RUN_ID, request, events)) === undefined) return;
      requests.set(request, events);
      told += events;
      if (isSaid) world.put(events);
      return;
    }
    const run = await runs.progress(RUN_ID, { produced: told, position: String(told) });
    if (run.hasAllProduced || run.cancelRequestedAtMs !== undefined || ENDED.has(run.status)) return;
    // What was put without being told of is put again, and is a copy.
    if (cut === 0) {
      world.put(events);
      produced += events;
      cut = events;
    }
    if (!isSaid) return;
    cut = 0;
    told = produced;
    await runs.progress(RUN_ID, { produced: told, position: String(told) });
  }

  return {
    produce,
    told: () => told,
    async repeat(pick: number) {
      if (kind === 's3') {
        await runs.progress(RUN_ID, { produced: Math.floor(told / (1 + (pick % 3))), position: 'stale' });
        return;
      }
      const [request, events] = [...requests][pick % Math.max(1, requests.size)] ?? [];
      if (request !== undefined && events !== undefined) await runs.add(RUN_ID, request, events);
    },
    async finish(pick: number) {
      const error = pick % 5 === 0 ? 'the object ends in the middle' : undefined;
      await runs.finish(RUN_ID, { produced: told, ...(error !== undefined && { error }) });
    },
  };
}

type Teller = ReturnType<typeof createTeller>;

async function act({ kind, pick, events }: Deed, world: RunWorld, teller: Teller): Promise<unknown> {
  switch (kind) {
    case 'produce':
      return teller.produce(events, true);
    case 'produce unsaid':
      return teller.produce(events, false);
    case 'repeat':
      return teller.repeat(pick);
    case 'finish':
      return teller.finish(pick);
    case 'cancel':
      return world.runs.cancel(RUN_ID);
    case 'open':
      return world.open();
    case 'fold':
      return world.fold(pick);
    case 'others':
      return world.deliverOthers(pick, events);
    case 'land':
      return world.land(pick, events * 3);
    case 'park':
      return world.park(pick);
    case 'park committed':
      return world.parkCommitted(pick);
    case 'play':
      return world.play(pick);
    case 'advance':
      return world.advance();
    default:
      return world.pass(kind === 'pass' ? 60_000 : HOUR_MS * (pick + 1));
  }
}

/** What a run that has just ended must have waited for. */
function checkEnd(run: Run, world: RunWorld, teller: Teller): void {
  if (run.startedAtMs === undefined) {
    expect(run).toMatchObject({ status: 'cancelled', produced: 0 });
    return;
  }
  const isGivenUp = /are missing|have not landed/.test(run.error ?? '');
  if (isGivenUp) {
    expect(run.status).toBe('failed');
    const sinceMs = (run.endedAtMs ?? 0) - run.startedAtMs;
    expect(sinceMs).toBeGreaterThanOrEqual(Math.min(UNACCOUNTED_MS_MAX, LANDING_MS_MAX));
    return;
  }
  expect(world.accounted()).toBeGreaterThanOrEqual(teller.told());
  expect(world.hasLanded()).toBe(true);
  expect(run.produced).toBeGreaterThanOrEqual(teller.told());
}

async function play(kind: 's3' | 'api', deeds: readonly Deed[], isDrained: boolean): Promise<Run> {
  const world = createRunWorld(kind);
  const teller = createTeller(kind, world);
  let before: Run = await world.open();

  async function check(): Promise<void> {
    const run = await world.runs.get(RUN_ID);
    if (run === undefined) throw new Error('the run is gone');
    if (ENDED.has(before.status)) expect(run).toEqual(before);
    else if (ENDED.has(run.status)) checkEnd(run, world, teller);
    expect(run.produced).toBeLessThanOrEqual(Math.max(teller.told(), world.onStream()));
    expect(run.produced).toBeGreaterThanOrEqual(before.produced);
    before = run;
  }

  for (const each of deeds) {
    await act(each, world, teller);
    await check();
  }
  if (isDrained) {
    await teller.finish(1);
    for (let i = 0; i < deeds.length; i++) {
      await world.play(0);
      await world.fold(i);
      for (const pick of [0, 1, 2]) await world.land(pick, 1_000_000);
    }
    await world.advance();
    await check();
  }
  for (let i = 0; i < 40 && !ENDED.has(before.status); i++) {
    world.pass(10 * HOUR_MS);
    await world.advance();
    await check();
  }
  return before;
}

describe.each(['s3', 'api'] as const)('a run of source %s', (kind) => {
  test('always ends, never before all is accounted for and landed, and stays as it ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 10, maxLength: 60 }), async (deeds) => {
        expect(ENDED.has((await play(kind, deeds, false)).status)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('ends at once, and balanced, when all that was put comes to rest', async () => {
    const calm = deed.filter((each) => !['produce unsaid', 'pass long', 'cancel'].includes(each.kind));
    await fc.assert(
      fc.asyncProperty(fc.array(calm, { minLength: 10, maxLength: 60 }), async (deeds) => {
        const run = await play(kind, deeds, true);
        expect(run.error ?? '').not.toMatch(/missing|not landed|not heard|nobody/);
      }),
      { numRuns: 30 },
    );
  });
});
