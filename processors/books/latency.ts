/**
 * How long records took from arrival to commit. An entry of the journal holds them rounded and counted, which is small
 * and cheap; whoever adds entries up makes a sketch of them (@datadog/sketches-js, a DDSketch).
 */
import { DDSketch } from '@datadog/sketches-js';
import type { StreamRecord } from '../../streams/position.ts';

/** Records that took so long, in milliseconds. */
export type LatencyCount = readonly [latencyMs: number, records: number];

/** Quantiles of a sketch are right to within this share of their value, and 1/128 more by rounding. */
export const LATENCY_ACCURACY = 0.01;

/** Bits that are kept of a latency. */
const SIGNIFICANT_BITS = 7;

/** @returns rounded latencies, ascending, each once */
export function countLatencies(records: readonly StreamRecord[], nowMs: number): readonly LatencyCount[] {
  const counts = new Map<number, number>();
  // Records of one PutRecords have one arrival, and stand together.
  for (let at = 0; at < records.length; ) {
    const arrivedAtMs = records[at]?.arrivedAtMs ?? nowMs;
    let next = at + 1;
    while (records[next]?.arrivedAtMs === arrivedAtMs) next += 1;
    // Arrival is the stream's clock, and this is the function's.
    const latencyMs = rounded(Math.max(0, nowMs - arrivedAtMs));
    counts.set(latencyMs, (counts.get(latencyMs) ?? 0) + next - at);
    at = next;
  }
  return [...counts].sort(([a], [b]) => a - b);
}

/** Milliseconds, a value a record. */
export function sketchLatencies(latencies: readonly LatencyCount[]): DDSketch {
  const sketch = new DDSketch({ relativeAccuracy: LATENCY_ACCURACY });
  for (const [latencyMs, records] of latencies) sketch.accept(latencyMs, records);
  return sketch;
}

function rounded(latencyMs: number): number {
  const unit = 2 ** Math.max(0, Math.floor(Math.log2(latencyMs + 1)) + 1 - SIGNIFICANT_BITS);
  return Math.round(latencyMs / unit) * unit;
}
