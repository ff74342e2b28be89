/** NDJSON: a record a line. Lines end with LF or CRLF, the last one also without; blank ones are no records. */
import { isUtf8 } from 'node:buffer';
import type { ChunkCutter } from './chunk-cutter.ts';
import { cutOversized, cutText, isJsonText, PendingBytes, type RecordReader } from './record-reader.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** A line that is no JSON, or no UTF-8, goes as its bytes, and touches no other. Places are lines, from 1. */
export function createNdjsonReader(cutter: ChunkCutter): RecordReader {
  const pending = new PendingBytes();
  let line = 0;

  function endPending(): void {
    line += 1;
    const { length, isOversized } = pending;
    const bytes = pending.take();
    if (isOversized) cutOversized(cutter, line, length, bytes);
    else cutLine(bytes, 0, bytes.length);
  }

  function cutLine(from: Buffer, start: number, lineEnd: number): void {
    const end = from[lineEnd - 1] === CR && lineEnd > start ? lineEnd - 1 : lineEnd;
    if (!isBlank(from, start, end)) cutText(cutter, { place: line, isUtf8: false }, from, start, end);
  }

  /** Whole lines, of which the last has its LF. */
  function cutLines(piece: Buffer, from: number, to: number): void {
    // Once for all of them: where it is UTF-8, so is each line.
    const lines = isUtf8(piece.subarray(from, to)) ? piece.toString('latin1', from, to) : undefined;
    for (let start = from; start < to; ) {
      const found = lines === undefined ? piece.indexOf(LF, start) : from + lines.indexOf('\n', start - from);
      line += 1;
      const end = piece[found - 1] === CR && found > start ? found - 1 : found;
      const isPlain = lines !== undefined && end - start < PLAIN_LINE_BYTES_MAX && (piece[start] ?? 0) > SPACE;
      if (!isPlain) cutLine(piece, start, end);
      else if (cutter.admit(line, end - start)) {
        if (isJsonText(lines.slice(start - from, end - from))) cutter.json(piece, start, end);
        else cutter.bytes(piece, start, end);
      }
      start = found + 1;
    }
  }

  return {
    write(piece) {
      let from = 0;
      if (pending.length > 0) {
        const found = piece.indexOf(LF);
        pending.add(found < 0 ? piece : piece.subarray(0, found));
        if (found < 0) return;
        endPending();
        from = found + 1;
      }
      const to = piece.lastIndexOf(LF) + 1;
      if (to > from) cutLines(piece, from, to);
      pending.add(piece.subarray(Math.max(from, to)));
    },
    end() {
      if (pending.length > 0) endPending();
    },
  };
}

/** Lines that are shorter need no look at how large a record may be. */
const PLAIN_LINE_BYTES_MAX = 64 * 1024;

function isBlank(from: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = from[at];
    if (byte !== SPACE && byte !== TAB && byte !== CR) return false;
  }
  return true;
}
