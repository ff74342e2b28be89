/** What the environment of the Realtime function sets; `infra/processor.ts` gives it. */
import { datasets } from '../../schemas/index.ts';
import type { RealtimeSettings } from '../realtime.ts';
import { required, requiredCount, requiredShare } from './environment.ts';

export interface RealtimeEnvironment {
  readonly settings: RealtimeSettings;
  /** What precedes the table in a delivery stream's name. */
  readonly streamPrefix: string;
  /** Name of the state table. */
  readonly tableName: string;
  /** 0 to 1. */
  readonly qualityThreshold: number;
  /** Of the code and of the settings that decide outcomes. */
  readonly version: string;
}

/** @throws Error naming the variable, what was received and what is allowed */
export function readRealtimeEnvironment(): RealtimeEnvironment {
  const defaultDataset = required('DEFAULT_DATASET');
  return {
    settings: {
      datasets: datasets.values(),
      defaultDataset,
      metricsNamespace: process.env.METRICS_NAMESPACE ?? 'DataPipeline',
      payloadBucket: required('PAYLOAD_BUCKET'),
      retriesMax: requiredCount('MAX_RETRIES'),
    },
    streamPrefix: required('DELIVERY_STREAM_PREFIX'),
    tableName: required('STATE_TABLE'),
    qualityThreshold: requiredShare('QUALITY_THRESHOLD'),
    version: `${required('CODE_VERSION')}/${defaultDataset}`,
  };
}
