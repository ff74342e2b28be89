/** The one log line of a tape batch, with its metrics in CloudWatch's embedded metric format. */
import type { TapeMetadata } from '../streams/tape/tape-object.ts';
import { embeddedMetrics } from './embedded-metrics.ts';

export interface TapeSummary {
  readonly namespace: string;
  readonly key: string;
  readonly metadata: TapeMetadata;
  /** Why the object was not kept. */
  readonly failure: string | undefined;
  readonly atMs: number;
  readonly durationMs: number;
}

const METRICS = {
  TapeRecords: 'Count',
  TapeBytes: 'Bytes',
  TapeDuration: 'Milliseconds',
} as const;

export function tapeLogLine({ namespace, key, metadata, failure, atMs, durationMs }: TapeSummary): string {
  const isKept = failure === undefined;
  return JSON.stringify({
    ...embeddedMetrics(namespace, atMs, METRICS),
    timestamp: new Date(atMs).toISOString(),
    level: isKept ? 'INFO' : 'WARN',
    message: isKept ? 'tape kept' : 'tape not kept',
    TapeRecords: isKept ? metadata.records : 0,
    TapeBytes: isKept ? metadata.bytes : 0,
    TapeDuration: durationMs,
    key,
    ...(failure !== undefined && { failure }),
  });
}
