/** What a check found, before it is a `Failure`: its path grows outwards as the check of each enclosing value returns. */
import { describe, shorten } from './describe.ts';
import { FAILURE_TEXT_CHARACTERS_MAX, type Failure, type FailureCode, type FailureStage } from './failure.ts';

export interface Problem {
  readonly code: FailureCode;
  /** Relative to the value that was checked: `''` is that value. */
  readonly path: string;
  readonly expected: string;
  readonly received: string;
}

/** A problem at the value itself. */
export function problem(code: FailureCode, path: string, expected: string, value: unknown): Problem {
  return { code, path, expected, received: describe(value) };
}

/** The same problem, seen from the value that holds the checked one at `step`: a field name, `[3]` or `["key"]`. */
export function within(inner: Problem, step: string): Problem {
  const dot = inner.path === '' || inner.path.startsWith('[') ? '' : '.';
  // Cut here already: a path through long map keys must not grow with the depth.
  return { ...inner, path: shorten(`${step}${dot}${inner.path}`, FAILURE_TEXT_CHARACTERS_MAX) };
}

/** @param code replaces the problem's own code, where the stage has only one */
export function failureOf(found: Problem, stage: FailureStage, code: FailureCode = found.code): Failure {
  const { path, expected, received } = found;
  const place = path === '' ? 'the record' : path;
  const message = `${place}: expected ${expected}, received ${received}`;
  return {
    stage,
    code,
    path: shorten(path, FAILURE_TEXT_CHARACTERS_MAX),
    expected: shorten(expected, FAILURE_TEXT_CHARACTERS_MAX),
    received: shorten(received, FAILURE_TEXT_CHARACTERS_MAX),
    message: shorten(message, FAILURE_TEXT_CHARACTERS_MAX),
  };
}
