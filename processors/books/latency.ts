/** How long records took from arrival to commit, as a sketch that merges: @datadog/sketches-js, a DDSketch. */
import { DDSketch } from '@datadog/sketches-js';
import type { StreamRecord } from '../../streams/position.ts';

/** Quantiles are right to within this share of their value. */
export const LATENCY_ACCURACY = 0.01;

/** @returns a DDSketch of milliseconds in protobuf, a value a record */
export function sketchLatency(records: readonly StreamRecord[], nowMs: number): Uint8Array {
  const sketch = new DDSketch({ relativeAccuracy: LATENCY_ACCURACY });
  // Records of one PutRecords have one arrival: they are taken in together.
  for (let at = 0; at < records.length; ) {
    const arrivedAtMs = records[at]?.arrivedAtMs ?? nowMs;
    let next = at + 1;
    while (records[next]?.arrivedAtMs === arrivedAtMs) next += 1;
    // Arrival is the stream's clock, and this is the function's.
    sketch.accept(Math.max(0, nowMs - arrivedAtMs), next - at);
    at = next;
  }
  return sketch.toProto();
}
