/** The place right before a sequence number, padded as it is: what a stretch that begins with it comes after. */
export function placeBefore(sequence: string): string {
  const number = BigInt(sequence);
  return number === 0n ? '' : (number - 1n).toString().padStart(sequence.length, '0');
}
