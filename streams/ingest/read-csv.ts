/**
 * CSV (RFC 4180): rows end with LF or CRLF, values that hold the delimiter, quotes or ends of lines are in quotes.
 *
 * Rows are told apart here and parsed by csv-parse many at a time. Where one of them is refused they are parsed one by
 * one, so that it is the only one that fails.
 */
import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import type { RecordType } from '../../schemas/avro-type.ts';
import type { FileOptions } from '../../schemas/dataset.ts';
import type { ChunkCutter, Unreadable } from './chunk-cutter.ts';
import { jsonOfText, targetOfField } from './json-value.ts';
import { cutJson, cutOversized, PendingBytes, type RecordReader } from './record-reader.ts';
import { BadObject } from './source-object.ts';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const NO_UTF8: Unreadable = { received: 'a row that is no UTF-8', expected: 'text in UTF-8' };
const QUOTES: Unreadable = {
  received: 'a row with a quote within a value',
  expected: 'quotes around a whole value, doubled within it',
};

/** Columns that a header may have. */
const COLUMNS_MAX = 10_000;

export interface CsvOptions {
  readonly cutter: ChunkCutter;
  readonly files: FileOptions | undefined;
  readonly input: RecordType;
}

/** Places are rows, from 1, without the header and empty lines. */
export function createCsvReader({ cutter, files, input }: CsvOptions): RecordReader {
  const { csvColumns, csvDelimiter = ',' } = files ?? {};
  const pending = new PendingBytes();
  const rows = new RowEnds(csvDelimiter.charCodeAt(0));
  let columns = csvColumns && columnsOf(csvColumns, input);
  let row = 0;

  const parseRows = (bytes: Buffer): string[][] =>
    parse(bytes, {
      delimiter: csvDelimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
    });

  function readHeader(bytes: Buffer): void {
    const names = isUtf8(bytes) ? tryParse(bytes) : undefined;
    if (names === undefined) throw new BadObject('CSV: the header is no row of names in UTF-8');
    const twice = names.find((name, index) => name === '' || names.indexOf(name) < index);
    if (twice !== undefined || names.length > COLUMNS_MAX) {
      const received = names.length > COLUMNS_MAX ? `${names.length} names` : JSON.stringify(twice).slice(0, 80);
      throw new BadObject(`CSV: header: received ${received}, allowed: ${COLUMNS_MAX} names, each once and not empty`);
    }
    columns = columnsOf(names, input);
  }

  function tryParse(bytes: Buffer): string[] | undefined {
    try {
      return parseRows(bytes)[0];
    } catch (error) {
      if (error instanceof CsvError) return undefined;
      throw error;
    }
  }

  /** @param ends of rows, indexes behind their LF or behind the last byte */
  function cutRows(piece: Buffer, from: number, ends: readonly number[]): void {
    const to = ends.at(-1) ?? from;
    const bounds = withoutEmpty(piece, from, ends);
    const parsed = isUtf8(piece.subarray(from, to)) ? tryParseAll(piece.subarray(from, to)) : undefined;
    const isWhole = parsed?.length === bounds.length;
    for (const [index, [start, end]] of bounds.entries()) {
      const bytes = piece.subarray(start, end);
      if (isWhole) cutRow(parsed[index] ?? [], bytes);
      else if (!isUtf8(bytes)) cutBad(NO_UTF8, bytes);
      else {
        const values = tryParse(bytes);
        if (values === undefined) cutBad(QUOTES, bytes);
        else cutRow(values, bytes);
      }
    }
  }

  function tryParseAll(bytes: Buffer): string[][] | undefined {
    try {
      return parseRows(bytes);
    } catch (error) {
      if (error instanceof CsvError) return undefined;
      throw error;
    }
  }

  function cutBad(reason: Unreadable, bytes: Buffer): void {
    row += 1;
    cutter.unreadable(row, reason, bytes);
  }

  function cutRow(values: readonly string[], bytes: Buffer): void {
    const count = columns?.length ?? 0;
    if (values.length !== count) {
      cutBad({ received: `a row of ${values.length} values`, expected: `${count}, as there are columns` }, bytes);
      return;
    }
    row += 1;
    let json = '';
    for (let index = 0; index < count; index += 1) {
      const column = columns?.[index];
      if (column) json += column.prefix + jsonOfText(values[index] ?? '', column.target);
    }
    cutJson(cutter, row, `${json}}`);
  }

  /** A whole row that began in an earlier piece. */
  function endPending(): void {
    const { length, isOversized } = pending;
    const bytes = pending.take();
    if (isOversized) {
      if (columns === undefined) throw new BadObject(`CSV: the header is a row of ${length} bytes`);
      row += 1;
      cutOversized(cutter, row, length, bytes);
    } else if (columns !== undefined) cutRows(bytes, 0, [bytes.length]);
    else if (!isEmpty(bytes, 0, bytes.length)) readHeader(bytes);
  }

  return {
    write(piece) {
      let from = 0;
      const ends = rows.find(piece);
      while (ends.length > 0 && (pending.length > 0 || columns === undefined)) {
        const end = ends.shift() ?? 0;
        pending.add(piece.subarray(from, end));
        endPending();
        from = end;
      }
      if (ends.length > 0) cutRows(piece, from, ends);
      pending.add(piece.subarray(ends.at(-1) ?? from));
    },
    end() {
      if (rows.isInQuotes) throw new BadObject(`CSV: a quote that opens in row ${row + 1} is not closed`);
      if (pending.length > 0) endPending();
    },
  };
}

interface CsvColumn {
  /** JSON in front of its value. */
  readonly prefix: string;
  readonly target: ReturnType<typeof targetOfField>;
}

function columnsOf(names: readonly string[], input: RecordType): readonly CsvColumn[] {
  return names.map((name, index) => ({
    prefix: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
    target: targetOfField(input, name),
  }));
}

function withoutEmpty(piece: Buffer, from: number, ends: readonly number[]): (readonly [number, number])[] {
  const bounds: (readonly [number, number])[] = [];
  let start = from;
  for (const end of ends) {
    if (!isEmpty(piece, start, end)) bounds.push([start, end]);
    start = end;
  }
  return bounds;
}

/** A row of nothing but its end. */
function isEmpty(piece: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (piece[at] !== LF && piece[at] !== CR) return false;
  return true;
}

/** Finds the ends of rows: an LF that is not in quotes. A quote opens at the start of a value only. */
class RowEnds {
  readonly #delimiter: number;
  #state: 'start of value' | 'in value' | 'in quotes' | 'quote in quotes' = 'start of value';

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  get isInQuotes(): boolean {
    return this.#state === 'in quotes';
  }

  /** @returns indexes behind each LF that ends a row */
  find(piece: Buffer): number[] {
    const ends: number[] = [];
    const isPlain = this.#state !== 'in quotes' && this.#state !== 'quote in quotes' && !piece.includes(QUOTE);
    if (isPlain) {
      for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, at + 1)) ends.push(at + 1);
      const last = piece[piece.length - 1];
      if (last !== undefined) this.#state = last === LF || last === this.#delimiter ? 'start of value' : 'in value';
      return ends;
    }
    for (let at = 0; at < piece.length; at += 1) {
      const byte = piece[at];
      if (this.#state === 'in quotes') {
        if (byte === QUOTE) this.#state = 'quote in quotes';
      } else if (byte === QUOTE && this.#state !== 'in value') this.#state = 'in quotes';
      else if (byte === LF) {
        ends.push(at + 1);
        this.#state = 'start of value';
      } else this.#state = byte === this.#delimiter ? 'start of value' : 'in value';
    }
    return ends;
  }
}
