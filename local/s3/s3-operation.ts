/** What an operation of S3 gets, and what it works on. */
import type { ServiceResponse } from '../service.ts';
import type { BucketStore } from './bucket-store.ts';
import type { S3Request } from './s3-request.ts';

export interface S3Context {
  readonly store: BucketStore;
  readonly account: string;
  readonly region: string;
}

export type S3Operation = (request: S3Request, context: S3Context) => Promise<ServiceResponse> | ServiceResponse;
