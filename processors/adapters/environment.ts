/** Reads a function's environment. A missing or wrong value fails the start, with what was received and what is allowed. */

export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`environment ${name}: received nothing, allowed: a text`);
  return value;
}

/** @param name of a number from 0 to 1 */
export function requiredShare(name: string): number {
  const text = required(name);
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new Error(`environment ${name}: received ${text}, allowed: 0 to 1`);
  return value;
}

/** @param name of a whole number, 1 at least */
export function requiredCount(name: string): number {
  const text = required(name);
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value >= 1)) {
    throw new Error(`environment ${name}: received ${text}, allowed: a whole number from 1 on`);
  }
  return value;
}
