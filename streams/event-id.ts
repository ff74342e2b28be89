/**
 * The business identity of an event, `_event_id`: the same for the same (source, id), wherever and however often it
 * arrives. Only `deduplicate: 'event'` acts on it; the books count by `_record_id`.
 */
import { uuidOfWords } from './identity/hex-digits.ts';
import { createSha1, SHA1_PADDING_BYTES_MAX } from './identity/sha1.ts';

/** The pipeline's own UUID namespace, drawn at random once (version 4). Changing it changes every `_event_id`. */
export const EVENT_ID_NAMESPACE = '3f1c8a52-6d0b-4e97-9a4d-b7e25c90f163';

/** Sources whose namespace is remembered; past it the memory starts afresh, so that made-up sources cannot fill it. */
const SOURCES_REMEMBERED_MAX = 1_000;

/** Bytes of a name that the working buffer holds from the start; it grows for longer ones. */
const NAME_BYTES_INITIAL = 1_024;

/** @returns 36 characters, lower case */
export type EventIdOf = (source: string, id: string) => string;

/**
 * `_event_id` = UUIDv5(UUIDv5(`EVENT_ID_NAMESPACE`, source), id), RFC 9562 section 5.5: every source is a namespace of
 * its own, so no separator between source and id can be forged, and any UUID library gives the same. The source's
 * namespace is remembered, which leaves one SHA-1 block for an id of up to 39 bytes: about 0.4 µs, where both in one
 * name need two blocks and 0.65 µs, and `crypto.hash` 1.3 µs.
 */
export function createEventIdentity(): EventIdOf {
  const uuidV5 = createUuidV5();
  const namespaces = new Map<string, Uint8Array>();
  const root = parseUuid(EVENT_ID_NAMESPACE);

  return (source, id) => {
    let namespace = namespaces.get(source);
    if (namespace === undefined) {
      if (namespaces.size >= SOURCES_REMEMBERED_MAX) namespaces.clear();
      namespace = parseUuid(uuidV5(root, source));
      namespaces.set(source, namespace);
    }
    return uuidV5(namespace, id);
  };
}

/** UUID version 5 of a name, as UTF-8, in a namespace of 16 bytes (RFC 9562 section 5.5). */
export function createUuidV5(): (namespace: Uint8Array, name: string) => string {
  const sha1 = createSha1();
  const digest = new Int32Array(5);
  let message = Buffer.alloc(16 + NAME_BYTES_INITIAL + SHA1_PADDING_BYTES_MAX);

  return (namespace, name) => {
    // A UTF-16 unit takes three bytes at most in UTF-8.
    const needed = 16 + name.length * 3 + SHA1_PADDING_BYTES_MAX;
    if (needed > message.length) message = Buffer.alloc(needed);
    for (let i = 0; i < 16; i++) message[i] = namespace[i] ?? 0;
    sha1(message, 16 + writeUtf8(message, name, 16), digest);
    return formatUuidV5(digest);
  };
}

/** The 16 bytes of a UUID in its text form. */
export function parseUuid(uuid: string): Uint8Array {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Writes ASCII in a loop: for short names that is faster than the call into C++, which takes all else. */
function writeUtf8(into: Buffer, text: string, offset: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return into.write(text, offset, 'utf8');
    into[offset + i] = unit;
  }
  return text.length;
}

function formatUuidV5(digest: Int32Array): string {
  const version5 = ((digest[1] ?? 0) & 0xffff0fff) | 0x5000;
  const variant = ((digest[2] ?? 0) & 0x3fffffff) | 0x80000000;
  return uuidOfWords(digest[0] ?? 0, version5, variant, digest[3] ?? 0);
}
