import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChunkDecoder } from './chunk-decoder.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html: 65 KB of `a`, and its CRC-32C. */
const DOCUMENTED = [
  '10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
  'a'.repeat(65_536),
  '400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
  'a'.repeat(1_024),
  '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
  'x-amz-checksum-crc32c:sOO8/Q==',
  'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
  '',
  '',
].join('\r\n');

interface Decoded {
  readonly content: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
}

async function decode(parts: readonly Buffer[]): Promise<Decoded> {
  const decoder = new ChunkDecoder();
  const content: Buffer[] = [];
  async function* body(): AsyncGenerator<Buffer> {
    yield* parts;
  }
  for await (const bytes of decoder.decode(body())) content.push(bytes);
  return { content: Buffer.concat(content), trailers: Object.fromEntries(decoder.trailers) };
}

const decodeText = (text: string): Promise<Decoded> => decode([Buffer.from(text, 'latin1')]);

function torn(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

describe('ChunkDecoder', () => {
  it('decodes the documented example', async () => {
    const { content, trailers } = await decodeText(DOCUMENTED);

    expect(content.equals(Buffer.alloc(66_560, 'a'))).toBe(true);
    expect(trailers).toEqual({
      'x-amz-checksum-crc32c': 'sOO8/Q==',
      'x-amz-trailer-signature': 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
    });
  });

  it('decodes what it was given, wherever the input is torn', async () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 });
    const input = fc.tuple(fc.array(chunk, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 12 }));

    await fc.assert(
      fc.asyncProperty(input, async ([chunks, cuts]) => {
        const framed = chunks.flatMap((bytes) => [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, '\r\n']);
        const body = Buffer.concat(
          [...framed, '0\r\nX-Amz-Checksum-Crc32: abc=\r\n\r\n'].map((part) => Buffer.from(part)),
        );

        const { content, trailers } = await decode(torn(body, cuts));

        expect(content.equals(Buffer.concat(chunks))).toBe(true);
        expect(trailers).toEqual({ 'x-amz-checksum-crc32': 'abc=' });
      }),
    );
  });

  it('finds every body incomplete that ends before its end', async () => {
    const body = '3\r\nabc\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n';

    for (let length = 0; length < body.length; length++) {
      await expect(decodeText(body.slice(0, length))).rejects.toMatchObject({ code: 'IncompleteBody' });
    }
    await expect(decodeText(body)).resolves.toMatchObject({ content: Buffer.from('abc') });
  });

  it.each([
    ['a size that is no number', 'xyz\r\nabc\r\n', 'InvalidChunkSizeError'],
    ['a negative size', '-1\r\n', 'InvalidChunkSizeError'],
    ['a size of too many digits', '1000000000000\r\n', 'InvalidChunkSizeError'],
    ['a chunk longer than it says', '2\r\nabc\r\n0\r\n\r\n', 'InvalidChunkSizeError'],
    ['bytes after the end', '0\r\n\r\nmore\r\n', 'InvalidChunkSizeError'],
    ['a line without an end', 'a'.repeat(10_000), 'InvalidChunkSizeError'],
    ['a trailer without a name', '0\r\n:value\r\n\r\n', 'MalformedTrailerError'],
    [
      'more trailers than anyone sends',
      `0\r\n${'a:b\r\n'.repeat(1)}${[...Array(20)].map((_, at) => `t${at}:x\r\n`).join('')}`,
      'MalformedTrailerError',
    ],
  ])('refuses %s', async (_claim, body, code) => {
    await expect(decodeText(body)).rejects.toMatchObject({ code });
  });
});
