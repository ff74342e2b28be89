/** Avro container files of avsc, which shares no code with what reads them here. */
import { brotliCompressSync, deflateRawSync, zstdCompressSync } from 'node:zlib';
import avro from 'avsc';

export interface ContainerOptions {
  /** Default `null`. */
  readonly codec?: string;
  /** Bytes from which on a block is written. Default 64 KiB. */
  readonly blockSize?: number;
}

/** @param schema the writer's; values as avsc takes them */
export async function avroContainer(
  schema: avro.Schema,
  values: readonly unknown[],
  { codec = 'null', blockSize = 65_536 }: ContainerOptions = {},
): Promise<Buffer> {
  const encoder = new avro.streams.BlockEncoder(schema, {
    codec,
    blockSize,
    writeHeader: 'always',
    syncMarker: Buffer.alloc(16, 7),
    codecs: {
      null: (data, done) => done(null, data),
      deflate: (data, done) => done(null, deflateRawSync(data)),
      zstandard: (data, done) => done(null, zstdCompressSync(data)),
      brotli: (data, done) => done(null, brotliCompressSync(data)),
    },
  });
  const parts: Buffer[] = [];
  encoder.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise((resolve, reject) => encoder.on('end', resolve).on('error', reject));
  for (const value of values) encoder.write(value);
  encoder.end();
  await ended;
  return Buffer.concat(parts);
}
