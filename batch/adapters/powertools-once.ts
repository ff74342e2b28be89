/** Work once a key, by the idempotency of Powertools. */
import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  IdempotencyInconsistentStateError,
  IdempotencyPersistenceLayerError,
  IdempotencyValidationError,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import type { BasePersistenceLayer } from '@aws-lambda-powertools/idempotency/persistence';
import { KeyReused, type Once, StillInProgress, Unavailable } from '../pipelines/ports.ts';

/** How long a key is remembered. */
export const REMEMBERED_SECONDS = 24 * 3_600;

export function createPowertoolsOnce(persistenceStore: BasePersistenceLayer): Once {
  const config = new IdempotencyConfig({
    eventKeyJmesPath: 'key',
    payloadValidationJmesPath: 'bodyHash',
    throwOnNoIdempotencyKey: true,
    expiresAfterSeconds: REMEMBERED_SECONDS,
    hashFunction: 'sha256',
  });
  return {
    async once({ key, bodyHash }, remainingTimeMs, work) {
      // With the remaining time, work that was killed is taken over afterwards; without, not before a day has gone by.
      const context = { getRemainingTimeInMillis: remainingTimeMs };
      const run = makeIdempotent((_request: { key: string; bodyHash: string }, _context: typeof context) => work(), {
        persistenceStore,
        config,
        keyPrefix: 'pipelines',
      });
      try {
        return await run({ key, bodyHash }, context);
      } catch (error) {
        throw toldError(error);
      }
    },
  };
}

function toldError(error: unknown): unknown {
  if (error instanceof IdempotencyValidationError) return new KeyReused(error.message);
  if (error instanceof IdempotencyAlreadyInProgressError || error instanceof IdempotencyInconsistentStateError) {
    return new StillInProgress(error.message);
  }
  if (error instanceof IdempotencyPersistenceLayerError) {
    return new Unavailable('the idempotency table', { cause: error.cause });
  }
  return error;
}
