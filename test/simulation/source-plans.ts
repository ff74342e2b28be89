/** What comes in by the other ways of a run: objects that are dropped, messages of users, and runs by the pipelines API. */

import type { EventKind } from './event-kind.ts';
import { createRandom, type Random } from './random.ts';

/** Records of a line each; garbage is a line that is no JSON. */
export interface DropPlan {
  readonly atMs: number;
  /** Tells the object from others. */
  readonly name: string;
  readonly lines: readonly EventKind[];
  /** Its gzip ends too early, after so many lines; undefined: it is whole. */
  readonly endsAfter: number | undefined;
  /** When somebody tells of the same version again. */
  readonly toldAgainAtMs: readonly number[];
}

/** A message of the queue of users: a list of events. */
export interface MessagePlan {
  readonly atMs: number;
  readonly name: string;
  readonly events: readonly EventKind[];
}

/** A run of source `api`: requests that bring records, one after the other, and how it is ended. */
export interface ApiRunPlan {
  readonly atMs: number;
  readonly name: string;
  readonly requests: readonly (readonly EventKind[])[];
  readonly end: 'complete' | 'cancel';
}

export interface SourcePlans {
  readonly drops: readonly DropPlan[];
  readonly messages: readonly MessagePlan[];
  readonly apiRuns: readonly ApiRunPlan[];
}

export const NO_SOURCES: SourcePlans = { drops: [], messages: [], apiRuns: [] };

/** One seed of this many has them. */
const SOURCES_ONE_OF = 3;
/** A record that kills the function would leave its chunk, and with it its run, unaccounted for until the run is given up. */
const KINDS: readonly EventKind[] = ['good', 'good', 'good', 'good', 'odd', 'invalid', 'throws', 'garbage', 'drop'];

export function sourcePlansOf(seed: number, durationMs: number): SourcePlans {
  const random = createRandom(seed, 'sources');
  if (!random.chance(1 / SOURCES_ONE_OF)) return NO_SOURCES;
  const early = () => random.int(0, durationMs / 2);
  const list = <Plan>(counts: readonly number[], make: (index: number) => Plan) =>
    Array.from({ length: random.pick(counts) }, (_, index) => make(index));
  return {
    drops: list([0, 1, 1, 2], (index) => dropOf(random, `d${index}`, early(), durationMs)),
    messages: list([0, 0, 1, 3], (index) => ({
      atMs: early(),
      name: `m${index}`,
      events: kindsOf(random, random.int(1, 5)),
    })),
    apiRuns: list([0, 1, 1], (index) => ({
      atMs: early(),
      name: `a${index}`,
      requests: list([0, 1, 2, 4], () => kindsOf(random, random.int(1, 6))),
      end: random.chance(0.8) ? ('complete' as const) : ('cancel' as const),
    })),
  };
}

function dropOf(random: Random, name: string, atMs: number, durationMs: number): DropPlan {
  const lines = kindsOf(random, random.pick([0, 1, 3, 10, 40]));
  const again = random.pick([0, 0, 1, 2]);
  return {
    atMs,
    name,
    lines,
    endsAfter: random.chance(0.15) && lines.length > 1 ? random.int(1, lines.length - 1) : undefined,
    toldAgainAtMs: Array.from({ length: again }, () => random.int(atMs, durationMs)),
  };
}

function kindsOf(random: Random, count: number): EventKind[] {
  return Array.from({ length: count }, () => random.pick(KINDS));
}
