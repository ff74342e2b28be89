/**
 * MurmurHash3, x86, 128 bits (Austin Appleby, public domain: smhasher/src/MurmurHash3.cpp): not cryptographic, well
 * spread in every bit, and made of 32-bit multiplications, which JavaScript has. Tested against SMHasher's own check.
 */

const { imul } = Math;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;
const BLOCK_BYTES = 16;

/**
 * Mixes the 16-byte blocks of a message into a state of four words, each of which begins as the seed.
 *
 * @param text a character for each byte of the message; what follows its last whole block is left out
 * @param from the state before, which stays as it is unless it is `state` too
 */
export function mixBlocks(text: string, from: Int32Array, state: Int32Array): void {
  let h1 = from[0] ?? 0;
  let h2 = from[1] ?? 0;
  let h3 = from[2] ?? 0;
  let h4 = from[3] ?? 0;
  for (let at = 0; at + BLOCK_BYTES <= text.length; at += BLOCK_BYTES) {
    h1 ^= imul(rotate(imul(wordAt(text, at), C1), 15), C2);
    h1 = (imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= imul(rotate(imul(wordAt(text, at + 4), C2), 16), C3);
    h2 = (imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= imul(rotate(imul(wordAt(text, at + 8), C3), 17), C4);
    h3 = (imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= imul(rotate(imul(wordAt(text, at + 12), C4), 18), C1);
    h4 = (imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  state[0] = h1;
  state[1] = h2;
  state[2] = h3;
  state[3] = h4;
}

/**
 * Mixes in what follows the last whole block of `text`, and makes of `state` the hash, its first word first.
 *
 * @param messageBytes of the whole message
 */
export function finish(text: string, messageBytes: number, state: Int32Array): void {
  const at = text.length - (text.length % BLOCK_BYTES);
  let h1 = state[0] ?? 0;
  let h2 = state[1] ?? 0;
  let h3 = state[2] ?? 0;
  let h4 = state[3] ?? 0;
  // Where no byte is left a word is 0, and mixing it in changes nothing.
  h4 ^= imul(rotate(imul(restAt(text, at + 12), C4), 18), C1);
  h3 ^= imul(rotate(imul(restAt(text, at + 8), C3), 17), C4);
  h2 ^= imul(rotate(imul(restAt(text, at + 4), C2), 16), C3);
  h1 ^= imul(rotate(imul(restAt(text, at), C1), 15), C2);

  h1 ^= messageBytes;
  h2 ^= messageBytes;
  h3 ^= messageBytes;
  h4 ^= messageBytes;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = mix32((h2 + h1) | 0);
  h3 = mix32((h3 + h1) | 0);
  h4 = mix32((h4 + h1) | 0);
  h1 = mix32(h1);
  h1 = (h1 + h2 + h3 + h4) | 0;
  state[0] = h1;
  state[1] = h2 + h1;
  state[2] = h3 + h1;
  state[3] = h4 + h1;
}

/** The finalizer of 32 bits: a bijection on 32-bit integers that maps 0 to 0. */
export function mix32(value: number): number {
  let mixed = value | 0;
  mixed = imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Four bytes, the first in the lowest bits. */
function wordAt(text: string, at: number): number {
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

/** Up to four bytes: those beyond the end of the text are 0, as NaN is once it is shifted. */
function restAt(text: string, at: number): number {
  return at < text.length ? wordAt(text, at) : 0;
}
