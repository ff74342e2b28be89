/** What an operation of S3 gets, and what it works on. */
import type { FaultSwitch } from '../faults/fault-switch.ts';
import type { ServiceResponse } from '../service.ts';
import type { BucketStore } from './bucket-store.ts';
import type { S3Request } from './s3-request.ts';
import type { UploadStore } from './upload-store.ts';

export interface S3Context {
  readonly store: BucketStore;
  readonly uploads: UploadStore;
  readonly faults: FaultSwitch;
  readonly account: string;
  readonly region: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export type S3Operation = (request: S3Request, context: S3Context) => Promise<ServiceResponse> | ServiceResponse;
