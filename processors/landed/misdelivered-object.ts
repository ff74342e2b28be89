/**
 * What Firehose could not deliver lies below `errors/<table>/<type>/`, a JSON document a line. Each object is entered in the
 * books, so that what is in no table is known. Source: firehose/latest/dev/retry.html; documents that have been seen spell
 * `lastErrorCode` where the page has `errorCode`.
 */
import { isRecord } from '../../schemas/describe.ts';
import { misdeliveredKey } from '../books/keys.ts';
import type { StateTablePort } from '../books/state-table.ts';
import { enterOnce } from './enter-once.ts';
import type { ObjectsPort, StoredObject } from './objects.ts';

/** Objects of 128 MB and more are read piece by piece. */
const PIECE_BYTES = 8_388_608;
/** Codes that are told apart, and characters that are kept of one. */
const CODES_MAX = 32;
const CODE_CHARACTERS_MAX = 128;
const NEWLINE = 0x0a;

/** Codes of our own: of a line that is no JSON or has no code, and of the codes beyond `CODES_MAX`. */
const UNKNOWN_CODE = 'unknown';
const OTHER_CODE = 'other';

export interface MisdeliveredOptions {
  readonly objects: ObjectsPort;
  readonly table: StateTablePort;
  readonly nowMs: number;
}

export interface Misdelivery {
  readonly object: StoredObject;
  /** Whose delivery stream it is of: a dataset, or `failed_events`. */
  readonly table: string;
  /** `format-conversion-failed`, `processing-failed` */
  readonly errorType: string;
}

/**
 * @returns whether it was new
 * @throws ObjectError, StateUnavailable
 */
export async function enterMisdelivered(misdelivery: Misdelivery, options: MisdeliveredOptions): Promise<boolean> {
  const { object, table, errorType } = misdelivery;
  const { documents, codes } = await countDocuments(options.objects, object);
  return enterOnce(options.table, {
    kind: 'put',
    key: misdeliveredKey(object.key),
    when: 'new',
    attributes: {
      table,
      error_type: errorType,
      documents,
      bytes: object.sizeBytes,
      ...Object.fromEntries([...codes].map(([code, count]) => [`code_${code}`, count])),
      status: 'misdelivered',
      updated_at: options.nowMs,
    },
  });
}

interface DocumentCounts {
  readonly documents: number;
  /** By error code. */
  readonly codes: ReadonlyMap<string, number>;
}

async function countDocuments(objects: ObjectsPort, object: StoredObject): Promise<DocumentCounts> {
  const codes = new Map<string, number>();
  let documents = 0;
  const count = (line: Buffer): void => {
    if (line.length === 0) return;
    documents += 1;
    const code = codeOf(line.toString());
    const name = codes.has(code) || codes.size < CODES_MAX ? code : OTHER_CODE;
    codes.set(name, (codes.get(name) ?? 0) + 1);
  };
  let rest: Buffer[] = [];
  for (let from = 0; from < object.sizeBytes; from += PIECE_BYTES) {
    const piece = Buffer.from(await objects.read(object, from, Math.min(from + PIECE_BYTES, object.sizeBytes)));
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      count(Buffer.concat([...rest, piece.subarray(start, end)]));
      rest = [];
      start = end + 1;
    }
    rest.push(piece.subarray(start));
  }
  count(Buffer.concat(rest));
  return { documents, codes };
}

function codeOf(line: string): string {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return UNKNOWN_CODE;
  }
  if (!isRecord(document)) return UNKNOWN_CODE;
  const code = document.errorCode ?? document.lastErrorCode;
  return typeof code === 'string' && code !== '' ? code.slice(0, CODE_CHARACTERS_MAX) : UNKNOWN_CODE;
}
