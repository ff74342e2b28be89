/** What the environment of the Realtime function sets; `infra/processor.ts` gives it. */
import { datasets } from '../../schemas/index.ts';
import type { RealtimeSettings } from '../realtime.ts';
import { required, requiredShare } from './environment.ts';

export interface RealtimeEnvironment {
  readonly settings: RealtimeSettings;
  /** What precedes the table in a delivery stream's name. */
  readonly streamPrefix: string;
  /** 0 to 1. */
  readonly qualityThreshold: number;
}

/** @throws Error naming the variable, what was received and what is allowed */
export function readRealtimeEnvironment(): RealtimeEnvironment {
  return {
    settings: {
      datasets: datasets.values(),
      defaultDataset: required('DEFAULT_DATASET'),
      metricsNamespace: process.env.METRICS_NAMESPACE ?? 'DataPipeline',
      payloadBucket: required('PAYLOAD_BUCKET'),
      retriesMax: Number(process.env.MAX_RETRIES ?? 5),
    },
    streamPrefix: required('DELIVERY_STREAM_PREFIX'),
    qualityThreshold: requiredShare('QUALITY_THRESHOLD'),
  };
}
