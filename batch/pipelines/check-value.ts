/** Whether a value that was parsed from JSON can be written as JSON again, and is then the same. */
import { ApiError } from './api-error.ts';

/** Levels of lists and objects. Writing JSON is recursive, so the depth is a caller's way to a stack that overflows. */
export const NESTING_MAX = 100;

/** @throws ApiError when it is nested too deeply, or a number is beyond a double, which would be written as `null` */
export function checkValue(name: string, value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each === 'number' && !Number.isFinite(each)) {
        throw new ApiError(
          'INVALID_REQUEST',
          `${name}: received a number beyond ±1.8e308, allowed: what a double holds`,
        );
      }
      if (typeof each !== 'object' || each === null) continue;
      if (depth >= NESTING_MAX) {
        throw new ApiError(
          'INVALID_REQUEST',
          `${name}: received more than ${NESTING_MAX} levels, allowed: ${NESTING_MAX}`,
        );
      }
      for (const inner of Object.values(each)) next.push(inner);
    }
    level = next;
  }
}
