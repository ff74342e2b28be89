/**
 * Keys of the objects that a delivery stream writes.
 * Sources: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html and s3-object-name.html
 */
import { formatTimestamp, parseDatePattern } from './date-pattern.ts';

export interface PrefixContext {
  /** Arrival of the oldest record in the object. */
  readonly atMs: number;
  readonly partitionKeys: Readonly<Record<string, string>>;
  /** For the error prefix only. */
  readonly errorOutputType?: string;
}

export type PrefixPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'timestamp'; readonly pattern: string }
  | { readonly kind: 'partition-key'; readonly name: string }
  | { readonly kind: 'random' }
  | { readonly kind: 'error-output-type' };

/** Characters that an evaluated prefix may have (https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html). */
export const PREFIX_CHARS_MAX = 512;

/** https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html */
const RANDOM_CHARS = 11;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** @throws Error naming an expression that is not allowed there */
export function parsePrefix(prefix: string, use: 'data' | 'error', keyNames: readonly string[]): readonly PrefixPart[] {
  const parts: PrefixPart[] = [];
  let from = 0;
  for (const found of prefix.matchAll(/!\{([^}]*)\}/g)) {
    if (found.index > from) parts.push({ kind: 'text', text: prefix.slice(from, found.index) });
    parts.push(expression(found[1] ?? '', { prefix, use, keyNames }));
    from = found.index + found[0].length;
  }
  // A static prefix gets the arrival time, with no slash added before it; one with expressions is taken as it is.
  if (from === 0)
    return [
      { kind: 'text', text: prefix },
      { kind: 'timestamp', pattern: 'yyyy/MM/dd/HH/' },
    ];
  if (from < prefix.length) parts.push({ kind: 'text', text: prefix.slice(from) });
  const named = parts.some((part) => part.kind === 'error-output-type');
  if (use === 'error' && !named)
    throw new Error(
      `ErrorOutputPrefix ${JSON.stringify(prefix)} has expressions and needs !{firehose:error-output-type}.`,
    );
  return parts;
}

function expression(
  text: string,
  where: { readonly prefix: string; readonly use: 'data' | 'error'; readonly keyNames: readonly string[] },
): PrefixPart {
  const refuse = (reason: string): Error => new Error(`Prefix ${JSON.stringify(where.prefix)}: !{${text}} ${reason}.`);
  const mark = text.indexOf(':');
  const value = text.slice(mark + 1);
  switch (text.slice(0, mark)) {
    case 'timestamp':
      parseDatePattern(value);
      return { kind: 'timestamp', pattern: value };
    case 'partitionKeyFromQuery':
      if (where.use === 'error') throw refuse('is not allowed in ErrorOutputPrefix');
      if (!where.keyNames.includes(value))
        throw refuse(`names no key of the query; keys: ${where.keyNames.join(', ') || 'none'}`);
      return { kind: 'partition-key', name: value };
    case 'firehose':
      if (value === 'random-string') return { kind: 'random' };
      if (value === 'error-output-type' && where.use === 'error') return { kind: 'error-output-type' };
      throw refuse('is not allowed here');
    default:
      throw refuse(
        'is not supported locally. Supported: timestamp, partitionKeyFromQuery, firehose:random-string, firehose:error-output-type',
      );
  }
}

export function evaluatePrefix(parts: readonly PrefixPart[], context: PrefixContext, random: () => number): string {
  return parts.map((part) => evaluatePart(part, context, random)).join('');
}

function evaluatePart(part: PrefixPart, context: PrefixContext, random: () => number): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'timestamp':
      return formatTimestamp(part.pattern, context.atMs);
    case 'partition-key':
      return context.partitionKeys[part.name] ?? '';
    case 'error-output-type':
      return context.errorOutputType ?? '';
    case 'random':
      return Array.from({ length: RANDOM_CHARS }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
  }
}

/** `<stream>-<version>-yyyy-MM-dd-HH-mm-ss-<uuid><extension>`; error objects have no extension. */
export function objectName(streamName: string, atMs: number, uuid: string, extension: string): string {
  return `${streamName}-1-${formatTimestamp('yyyy-MM-dd-HH-mm-ss', atMs)}-${uuid}${extension}`;
}
