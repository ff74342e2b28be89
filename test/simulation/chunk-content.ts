/**
 * What is in a chunk or a batch that the pipeline's own producers put, told by its events: each was planned by a scenario.
 */
import { hash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { isRecord } from '../../schemas/describe.ts';
import type { EventKind } from './event-kind.ts';
import type { PlannedEvent } from './planned-events.ts';
import { Violation } from './violation.ts';

/** The value that a source has for an event, told from all others by what it holds. */
export function sourceValue(id: string, kind: EventKind, atMs: number): unknown {
  if (kind === 'garbage') return `${GARBAGE}${id}`;
  return { id, key: id, at: kind === 'invalid' ? 'some day' : atMs, mode: kind };
}

const GARBAGE = 'no record: ';

/** Events of the sources of a scenario. */
export interface SourceEvents {
  /** Of all that were planned. */
  readonly ids: ReadonlySet<string>;
  /** Of a source at one time. @returns the values that it has for them */
  plan(name: string, kinds: readonly EventKind[], atMs: number): readonly unknown[];
  /** @throws Violation when it holds anything that was not planned */
  contentOf(data: Buffer): readonly PlannedEvent[];
}

export function createSourceEvents(): SourceEvents {
  const planned = new Map<string, { readonly kind: EventKind; readonly atMs: number }>();
  return {
    get ids() {
      return new Set(planned.keys());
    },
    plan: (name, kinds, atMs) =>
      kinds.map((kind, index) => {
        const id = `${name}.${index}`;
        planned.set(id, { kind, atMs });
        return sourceValue(id, kind, atMs);
      }),
    contentOf(data) {
      const parsed: unknown = JSON.parse((data[0] === 0x1f ? gunzipSync(data) : data).toString());
      return (Array.isArray(parsed) ? parsed : [parsed]).map((element: unknown): PlannedEvent => {
        const { source, type, runid = '', chunkid, data: value } = isRecord(element) ? element : {};
        const id = isRecord(value) ? value.id : typeof value === 'string' ? value.slice(GARBAGE.length) : undefined;
        const plan = typeof id === 'string' ? planned.get(id) : undefined;
        if (
          plan === undefined ||
          type !== 'orders' ||
          typeof id !== 'string' ||
          typeof source !== 'string' ||
          typeof chunkid !== 'string' ||
          typeof runid !== 'string' ||
          JSON.stringify(value) !== JSON.stringify(sourceValue(id, plan.kind, plan.atMs))
        ) {
          throw new Violation('what a source holds is put as it is', JSON.stringify(element).slice(0, 500));
        }
        // Of a run, the run's place is claimed first: docs/decisions/0017-runs-count-places-once.md
        const subject =
          runid === ''
            ? `chunk#${hash('sha256', `${source}\n${chunkid}`)}`
            : `run#${hash('sha256', JSON.stringify([runid, source, chunkid]))}`;
        return {
          id,
          // Of a source, records have no order but that of their chunk.
          key: id,
          kind: plan.kind,
          dataset: 'orders',
          runId: runid,
          claim: { by: 'record', subject },
          eventTimeMs: plan.atMs,
        };
      });
    },
  };
}
