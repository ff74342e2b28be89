/**
 * Why one record could not be delivered.
 *
 * A failure is a value, never an exception: the record goes to `failed_events` with its original bytes and counts as
 * done, so it never holds up a shard. The codes form a closed union; a switch over them is exhaustive.
 */

/** Every failure code, by the stage that finds it. `docs/failure-codes.md` describes each; a test keeps them in step. */
export const FAILURE_CODES = {
  decode: [
    'EMPTY_PAYLOAD',
    'INVALID_GZIP',
    'DECOMPRESSED_TOO_LARGE',
    'TOO_MANY_EVENTS',
    'INVALID_UTF8',
    'INVALID_JSON',
    'INVALID_CLOUDEVENT',
    'UNKNOWN_DATASET',
    'UNKNOWN_SCHEMA',
    'INVALID_AVRO',
    'INVALID_REPLAY_FRAME',
    'UNREADABLE_RECORD',
    'FUNCTION_KILLED',
  ],
  validate: [
    'MISSING_FIELD',
    'WRONG_TYPE',
    'OUT_OF_RANGE',
    'INVALID_SYMBOL',
    'INVALID_LOGICAL_VALUE',
    'UNKNOWN_FIELD',
    'TOO_MANY_ITEMS',
    'EVENT_TIME_OUTSIDE_WINDOW',
  ],
  transform: ['TRANSFORM_THREW', 'INVALID_OUTPUT', 'OUTPUT_TOO_LARGE'],
  score: ['QUALITY_BELOW_THRESHOLD'],
} as const;

export type FailureStage = keyof typeof FAILURE_CODES;
export type FailureCode = (typeof FAILURE_CODES)[FailureStage][number];

/** What was wrong, what was received, what is allowed. Texts are capped at `FAILURE_TEXT_CHARACTERS_MAX` characters. */
export interface Failure {
  readonly stage: FailureStage;
  readonly code: FailureCode;
  /** Path of the offending value in the record, such as `properties.mag` or `items[3].price`; `''` is the record itself. */
  readonly path: string;
  /** What is allowed there, such as `int` or `one of "ml", "mb"`. */
  readonly expected: string;
  /** What was found there, shortened: a type and, where short, the value. */
  readonly received: string;
  /** One sentence for a person. */
  readonly message: string;
}

/** Characters of `path`, `expected`, `received` and `message` that are kept, each. */
export const FAILURE_TEXT_CHARACTERS_MAX = 512;
