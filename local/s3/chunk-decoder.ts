/**
 * Takes the framing of `aws-chunked` off a body: `<hex size>[;chunk-signature=…]`, the bytes, a zero chunk, trailers. Signatures
 * are not checked. Memory is constant: what comes in goes out in slices.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
import { AwsError } from '../service.ts';
import { incompleteBody } from './s3-error.ts';

/** Bytes of a chunk's first line or of one trailer; the longest is a signature of about 100. Our own bound. */
const LINE_BYTES_MAX = 8_192;
/** Trailers of one body: a checksum and its signature. Our own bound. */
const TRAILERS_MAX = 16;
/** Bytes of the part of a chunk's first line that is a number. */
const SIZE_DIGITS_MAX = 12;
const NEWLINE = 10;

export class ChunkDecoder {
  /** By lower-case name; whole once the body has ended. */
  readonly trailers = new Map<string, string>();
  #expects: 'size' | 'data' | 'end of data' | 'trailer' | 'nothing' = 'size';
  #line = '';
  #left = 0;

  async *decode(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const bytes of body) yield* this.#take(bytes);
    if (this.#expects !== 'nothing') {
      throw incompleteBody(`The aws-chunked body ended where its ${this.#expects} was to come.`);
    }
  }

  *#take(bytes: Buffer): Generator<Buffer> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#expects === 'data') {
        const data = bytes.subarray(at, at + this.#left);
        at += data.length;
        this.#left -= data.length;
        if (this.#left === 0) this.#expects = 'end of data';
        yield data;
        continue;
      }
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 ? bytes.length : newline;
      this.#line += bytes.toString('latin1', at, end);
      if (this.#line.length > LINE_BYTES_MAX) throw malformed(`a line is longer than ${LINE_BYTES_MAX} bytes`);
      at = end + 1;
      if (newline < 0) return;
      const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
      this.#line = '';
      this.#takeLine(line);
    }
  }

  #takeLine(line: string): void {
    switch (this.#expects) {
      case 'size': {
        const [digits = ''] = line.split(';');
        if (!/^[0-9a-f]+$/i.test(digits) || digits.length > SIZE_DIGITS_MAX) {
          throw malformed(`a chunk begins with ${JSON.stringify(line.slice(0, 40))} in place of its size`);
        }
        this.#left = Number.parseInt(digits, 16);
        this.#expects = this.#left === 0 ? 'trailer' : 'data';
        return;
      }
      case 'end of data':
        if (line !== '') throw malformed('a chunk is longer than its size says');
        this.#expects = 'size';
        return;
      case 'trailer':
        this.#takeTrailer(line);
        return;
      case 'nothing':
        throw malformed('it goes on after its end');
    }
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      this.#expects = 'nothing';
      return;
    }
    const colon = line.indexOf(':');
    if (colon < 1 || this.trailers.size >= TRAILERS_MAX) {
      throw new AwsError('MalformedTrailerError', `A trailer is not "name:value": ${line.slice(0, 80)}`, 400);
    }
    this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

function malformed(reason: string): AwsError {
  return new AwsError('InvalidChunkSizeError', `The aws-chunked body is malformed: ${reason}.`, 403);
}
