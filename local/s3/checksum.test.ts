import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CHECKSUM_ALGORITHMS, checksumAlgorithm, createChecksum } from './checksum.ts';

describe('createChecksum', () => {
  // The check values of https://reveng.sourceforge.io/crc-catalogue/ and of RFC 3174's and FIPS 180-4's functions.
  it.each([
    ['crc32', 'cbf43926'],
    ['crc32c', 'e3069283'],
    ['crc64nvme', 'ae8b14860a799888'],
    ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['sha256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
    ['md5', '25f9e794323b453885f5181f1b624d0b'],
  ] as const)('computes the check value of %s', (algorithm, expected) => {
    const checksum = createChecksum(algorithm);

    checksum.update(Buffer.from('123456789'));

    expect(checksum.digest().toString('hex')).toBe(expected);
  });

  it.each(CHECKSUM_ALGORITHMS)('computes %s alike, however the bytes come', (algorithm) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (parts) => {
        const inParts = createChecksum(algorithm);
        const whole = createChecksum(algorithm);

        for (const part of parts) inParts.update(Buffer.from(part));
        whole.update(Buffer.concat(parts));

        expect(inParts.digest()).toEqual(whole.digest());
      }),
    );
  });
});

describe('checksumAlgorithm', () => {
  it('ignores case and knows no other', () => {
    expect(['CRC64NVME', 'Sha256', 'md5', ''].map(checksumAlgorithm)).toEqual([
      'crc64nvme',
      'sha256',
      undefined,
      undefined,
    ]);
  });
});
