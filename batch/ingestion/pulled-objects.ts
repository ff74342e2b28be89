/** Pulled documents in the raw bucket: each is put once, and is what its run reads from then on. */
import type { Validators, WebDocument } from './web.ts';

export interface PulledObject extends Validators {
  readonly bucket: string;
  readonly key: string;
  /** Absent where the bucket keeps no versions. */
  readonly versionId?: string;
  /** Of the object, without quotes. */
  readonly objectEtag: string;
}

export interface PulledObjectsPort {
  /** @returns undefined when there is none */
  find(bucket: string, key: string): Promise<PulledObject | undefined>;
  /** Where another was quicker, that one stays. */
  put(bucket: string, key: string, document: WebDocument): Promise<void>;
}
