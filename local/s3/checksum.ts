/**
 * The checksums that S3 keeps of an object, computed as bytes come.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

export interface Checksum {
  readonly update: (bytes: Buffer) => void;
  /** Big-endian, as S3 encodes it in base64. */
  readonly digest: () => Buffer;
}

export function createChecksum(algorithm: ChecksumAlgorithm | 'md5'): Checksum {
  switch (algorithm) {
    case 'crc32':
      return createCrc32();
    case 'crc32c':
      return createCrc32c();
    case 'crc64nvme':
      return createCrc64Nvme();
    case 'sha1':
    case 'sha256':
    case 'md5': {
      const hash = createHash(algorithm);
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
    }
  }
}

/** The algorithm that a header or an XML member names, in any case; undefined for one that is not kept. */
export function checksumAlgorithm(name: string): ChecksumAlgorithm | undefined {
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toLowerCase());
}

function createCrc32(): Checksum {
  let crc = 0;
  return {
    update: (bytes) => {
      crc = crc32(bytes, crc);
    },
    digest: () => uint32(crc),
  };
}

/** CRC-32/ISCSI, reflected (RFC 3720, appendix B.4). */
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC32C_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
  return crc;
});

function createCrc32c(): Checksum {
  let crc = -1;
  return {
    update: (bytes) => {
      // Three times as fast as an iterator over the bytes.
      for (let at = 0; at < bytes.length; at++) {
        crc = (crc >>> 8) ^ (CRC32C_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
      }
    },
    digest: () => uint32(~crc >>> 0),
  };
}

/** CRC-64/NVME, reflected (NVM Express NVM Command Set Specification, 5.2.1.3.4). */
const CRC64_NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const CRC64_NVME_TABLE = BigUint64Array.from({ length: 256 }, (_, byte) => {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ CRC64_NVME_POLYNOMIAL : crc >> 1n;
  return crc;
});
const CRC64_LOW = Int32Array.from(CRC64_NVME_TABLE, (entry) => Number(BigInt.asIntN(32, entry)));
const CRC64_HIGH = Int32Array.from(CRC64_NVME_TABLE, (entry) => Number(BigInt.asIntN(32, entry >> 32n)));

function createCrc64Nvme(): Checksum {
  // Two halves of 32 bits: BigInt arithmetic on each byte would be a hundred times slower.
  let low = -1;
  let high = -1;
  return {
    update: (bytes) => {
      for (let at = 0; at < bytes.length; at++) {
        const entry = (low ^ (bytes[at] ?? 0)) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (CRC64_LOW[entry] ?? 0);
        high = (high >>> 8) ^ (CRC64_HIGH[entry] ?? 0);
      }
    },
    digest: () => Buffer.concat([uint32(~high >>> 0), uint32(~low >>> 0)]),
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
