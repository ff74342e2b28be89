/** What the service and its conversion thread say to each other. Every request has one answer, in order. */
import type { IntakePlan, Taken } from './intake.ts';

export type ThreadRequest =
  | { readonly kind: 'configure'; readonly plan: IntakePlan }
  | {
      readonly kind: 'take';
      readonly streamName: string;
      readonly arrivedAtMs: number;
      /** Moved, not copied. */
      readonly data: Uint8Array;
      readonly ends: readonly number[];
    }
  | { readonly kind: 'seal'; readonly spoolId?: string };

export type ThreadAnswer = Taken | { readonly problem: string };

export interface ThreadData {
  readonly spoolFolder: string;
}
