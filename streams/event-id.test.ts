import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEventIdentity, createUuidV5, EVENT_ID_NAMESPACE, parseUuid } from './event-id.ts';

const writeUuidV5 = createUuidV5();
const identity = createEventIdentity();

const DNS_NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

function uuidV5(namespace: string, name: string): string {
  const text = Buffer.alloc(36);
  writeUuidV5(parseUuid(namespace), name, text, 0);
  return text.toString();
}

function eventIdOf(source: string, id: string): string {
  const text = Buffer.alloc(36);
  identity.write(source, id, text, 0);
  return text.toString();
}

/** UUIDv5 by OpenSSL's SHA-1: what the fast one is held against. */
function uuidV5ByOpenSsl(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(namespace.replaceAll('-', ''), 'hex')
    .update(name, 'utf8')
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

describe('UUID version 5', () => {
  test('gives the vector of RFC 9562, appendix A.4', () => {
    const uuid = uuidV5(DNS_NAMESPACE, 'www.example.com');

    expect(uuid).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  test('agrees with OpenSSL for any name: any script, any length over the block bounds', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'grapheme', minLength: 20, maxLength: 60 }),
      fc.integer({ min: 0, max: 3_000 }).map((length) => 'x'.repeat(length)),
    );

    fc.assert(
      fc.property(fc.uuid(), name, (namespace, text) => {
        expect(uuidV5(namespace, text)).toBe(uuidV5ByOpenSsl(namespace, text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('agrees with OpenSSL at every length around one and two blocks', () => {
    for (let length = 0; length < 150; length++) {
      const name = 'é'.repeat(length % 3) + 'a'.repeat(length);
      expect(uuidV5(DNS_NAMESPACE, name)).toBe(uuidV5ByOpenSsl(DNS_NAMESPACE, name));
    }
  });
});

describe('_event_id', () => {
  test('is the id in the namespace of its source, which any UUID library can compute', () => {
    const eventId = eventIdOf('https://earthquake.usgs.gov', 'ci37868143');

    const source = uuidV5ByOpenSsl(EVENT_ID_NAMESPACE, 'https://earthquake.usgs.gov');
    expect(eventId).toBe(uuidV5ByOpenSsl(source, 'ci37868143'));
  });

  test('tells source and id apart wherever the bound between them lies', () => {
    expect(eventIdOf('a\nb', 'c')).not.toBe(eventIdOf('a', 'b\nc'));
    expect(eventIdOf('ab', 'c')).not.toBe(eventIdOf('a', 'bc'));
  });

  test('stays the same while thousands of sources pass through the memory of namespaces', () => {
    const before = eventIdOf('urn:first', '1');

    for (let i = 0; i < 5_000; i++) eventIdOf(`urn:${i}`, '1');

    expect(eventIdOf('urn:first', '1')).toBe(before);
  });
});
