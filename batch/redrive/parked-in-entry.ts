/**
 * Whether records that Lambda gave up are counted in the journal all the same. Mostly they are not. But a batch whose
 * commit took effect and whose answer was lost is given up too; and of a batch, single records may be given up for their
 * age, so that an entry spans them without counting them. The tape decides: it has every record of the span.
 */

/** Records of a span: how many, and the sum of their fingerprints. */
export interface SpanCount {
  readonly records: number;
  readonly fingerprint: bigint;
}

/**
 * @param entry what the journal counts in the span
 * @param tape what lies in the span on the tape, each position once
 * @param parked what was given up in the span
 * @returns `unclear` when the tape does not tell: it lacks records, or some were counted and others not
 */
export function parkedInEntry(
  entry: SpanCount,
  tape: SpanCount,
  parked: SpanCount,
): 'counted' | 'not counted' | 'unclear' {
  if (tape.records === entry.records && tape.fingerprint === entry.fingerprint) return 'counted';
  const without = { records: tape.records - parked.records, fingerprint: tape.fingerprint - parked.fingerprint };
  if (without.records === entry.records && without.fingerprint === entry.fingerprint) return 'not counted';
  return 'unclear';
}
