/** The failure of a dataset's own function that threw on a record: a bad record, not an exception of the pipeline. */
import { shorten } from '../../schemas/describe.ts';
import { FAILURE_TEXT_CHARACTERS_MAX, type Failure } from '../../schemas/failure.ts';

export function threw(name: 'eventTime' | 'id' | 'transform', error: unknown): Failure {
  const received = shorten(
    Error.isError(error) ? `${error.name}: ${error.message}` : String(error),
    FAILURE_TEXT_CHARACTERS_MAX,
  );
  return {
    stage: 'transform',
    code: 'TRANSFORM_THREW',
    path: '',
    expected: `${name} to return`,
    received,
    message: shorten(`The dataset's ${name} threw ${received}`, FAILURE_TEXT_CHARACTERS_MAX),
  };
}
