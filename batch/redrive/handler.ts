/**
 * The Redrive function: takes up again what came back. Parked records go through the stream, with their identity; what
 * Firehose could not deliver goes to Firehose directly, since the processor has counted it.
 */
import type { Context } from 'aws-lambda';
import { MISDELIVERED, PARKED } from '../../processors/books/keys.ts';
import type { StateItem } from '../../processors/books/state-table.ts';
import { isRecord } from '../../schemas/describe.ts';
import { type RedriveMisdeliveredPorts, redriveMisdelivered } from './redrive-misdelivered.ts';
import { type RedriveParkedPorts, redriveParked } from './redrive-parked.ts';

export interface RedrivePorts extends RedriveParkedPorts, RedriveMisdeliveredPorts {
  readonly log: (line: string) => void;
}

export const REDRIVES = ['parked', 'misdelivered'] as const;
export type Redrive = (typeof REDRIVES)[number];

export interface RedriveRequest {
  /** Default: both. */
  readonly what: readonly Redrive[];
  /** Objects to take up, by key. Default: all that wait. */
  readonly keys: readonly string[] | undefined;
  /** Says what would be done. Default false. */
  readonly dryRun: boolean;
}

export interface RedriveReport {
  /** Records that were put on the stream again. */
  readonly played: number;
  /** Parked records that the journal counts: not put. */
  readonly counted: number;
  /** Documents that were put to Firehose again. */
  readonly delivered: number;
  /** Objects that were taken up. */
  readonly objects: number;
  /** Objects that stay as they are, and why. */
  readonly failures: readonly { readonly key: string; readonly reason: string }[];
  /** Objects that wait: the time was over, or it was a dry run. */
  readonly waiting: number;
}

export type RedriveHandler = (
  event: unknown,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
) => Promise<RedriveReport>;

/** Time that the last object needs, at most. */
const RESERVE_MS = 60_000;
/** Failures that are told one by one. */
const FAILURES_MAX = 100;
const WAITING: Readonly<Record<Redrive, ReadonlySet<unknown>>> = {
  parked: new Set(['parked', 'redriving']),
  misdelivered: new Set(['misdelivered', 'redriving']),
};

export function createRedriveHandler(ports: RedrivePorts): RedriveHandler {
  const take = {
    parked: async (item: StateItem) => ({ delivered: 0, ...(await redriveParked(item, ports)) }),
    misdelivered: async (item: StateItem, deadlineMs: number) => ({
      played: 0,
      counted: 0,
      delivered: await redriveMisdelivered(item, ports, deadlineMs),
    }),
  };

  return async (event, context) => {
    const request = readRequest(event);
    const endMs = ports.now() + context.getRemainingTimeInMillis();
    const sums = { played: 0, counted: 0, delivered: 0, objects: 0, waiting: 0 };
    const failures: { key: string; reason: string }[] = [];
    for (const what of request.what) {
      for (const item of await waitingItems(what, request, ports)) {
        if (request.dryRun || ports.now() > endMs - RESERVE_MS) {
          sums.waiting += 1;
          continue;
        }
        try {
          const done = await take[what](item, endMs - RESERVE_MS / 2);
          sums.played += done.played;
          sums.counted += done.counted;
          sums.delivered += done.delivered;
          sums.objects += 1;
        } catch (error) {
          const reason = Error.isError(error) ? error.message : String(error);
          if (failures.length < FAILURES_MAX) failures.push({ key: item.sk, reason });
        }
      }
    }
    const report = { ...sums, failures };
    const level = failures.length === 0 ? 'INFO' : 'WARN';
    ports.log(JSON.stringify({ level, message: 'redriven', ...report }));
    return report;
  };
}

async function waitingItems(
  what: Redrive,
  { keys }: RedriveRequest,
  { table }: RedrivePorts,
): Promise<readonly StateItem[]> {
  const items = await table.query(what === 'parked' ? PARKED : MISDELIVERED);
  return items.filter(
    ({ sk, attributes }) => WAITING[what].has(attributes.status) && (keys === undefined || keys.includes(sk)),
  );
}

/** @throws Error with what was received and what is allowed */
function readRequest(event: unknown): RedriveRequest {
  const { what = REDRIVES, keys, dryRun = false } = isRecord(event) ? event : {};
  const kinds = Array.isArray(what) ? what : [what];
  const known = REDRIVES.filter((kind) => kinds.includes(kind));
  if (known.length === 0 || known.length < kinds.length) {
    throw new Error(`what: received ${JSON.stringify(what)}, allowed: ${REDRIVES.join(', ')}`);
  }
  const texts: readonly string[] | undefined =
    Array.isArray(keys) && keys.every((key) => typeof key === 'string') ? keys : undefined;
  if (keys !== undefined && texts === undefined)
    throw new Error(`keys: received ${JSON.stringify(keys)}, allowed: a list of object keys`);
  if (typeof dryRun !== 'boolean') throw new Error(`dryRun: received ${JSON.stringify(dryRun)}, allowed: true, false`);
  return { what: known, keys: texts, dryRun };
}
