/**
 * Seeded randomness: the same seed and concern give the same numbers on every machine. Each concern has a stream of its
 * own, so that a fault that is taken out of a scenario does not reshuffle all that remains.
 */

export interface Random {
  /** 0 to less than 1. */
  next(): number;
  chance(probability: number): boolean;
  /** An integer, both ends included. */
  int(min: number, max: number): number;
  /** @throws RangeError when there is nothing to pick from */
  pick<Value>(values: readonly Value[]): Value;
}

/** Rounds that mix the seed in before the first number. */
const ROUNDS_BEFORE = 12;

/** `sfc32`, of PractRand: pracrand.sourceforge.net/RNG_engines.txt */
export function createRandom(seed: number, concern: string): Random {
  let a = hashOf(`${concern} ${seed}`, 0x811c9dc5);
  let b = hashOf(`${seed} ${concern}`, 0x9e3779b9);
  let c = seed | 0;
  let counter = 1;

  function next(): number {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  }

  for (let round = 0; round < ROUNDS_BEFORE; round++) next();
  return {
    next,
    chance: (probability) => probability > 0 && next() < probability,
    int: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick(values) {
      const value = values[Math.floor(next() * values.length)];
      if (value === undefined) throw new RangeError('pick: received no values, allowed: one at least');
      return value;
    },
  };
}

/** FNV-1a. */
function hashOf(text: string, basis: number): number {
  let hash = basis;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
