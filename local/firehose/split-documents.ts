/**
 * Cuts a record into its JSON documents: one a line, concatenated without anything between them, or both.
 * What is not JSON is handed over as broken up to the end of its line, and reading goes on after it.
 */

export interface DocumentSink {
  /** `text.slice(from, to)` is the document's JSON. `oneLine` is false when there may be a line break in it. */
  readonly document: (value: unknown, from: number, to: number, oneLine: boolean) => void;
  readonly broken: (from: number, to: number) => void;
}

const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;

/** Neither callback is called for a record of white space only. */
export function splitDocuments(text: string, sink: DocumentSink): void {
  let from = startOfDocument(text, 0);
  while (from < text.length) {
    const newline = text.indexOf('\n', from);
    const lineEnd = newline < 0 ? text.length : newline;
    from = startOfDocument(text, takeDocument(text, from, lineEnd, sink));
  }
}

/** Returns where the document, or what is broken, ends. */
function takeDocument(text: string, from: number, lineEnd: number, sink: DocumentSink): number {
  const line = parse(text.slice(from, lineEnd));
  if (line) {
    sink.document(line.value, from, lineEnd, true);
    return lineEnd;
  }
  const end = endOfDocument(text, from);
  const document = end === undefined ? undefined : parse(text.slice(from, end));
  if (end === undefined || !document) {
    const brokenEnd = end !== undefined && end < lineEnd ? end : lineEnd;
    sink.broken(from, brokenEnd);
    return brokenEnd;
  }
  sink.document(document.value, from, end, false);
  return end;
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function startOfDocument(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 32 || code === NEWLINE || code === 13 || code === 9;
}

/** Where the object or array that begins at `from` closes; undefined when it does not, or nothing opens there. */
function endOfDocument(text: string, from: number): number | undefined {
  const first = text[from];
  if (first !== '{' && first !== '[') return undefined;
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === 123 || code === 91) depth++;
    else if ((code === 125 || code === 93) && --depth === 0) return at + 1;
  }
  return undefined;
}

/** Position of the closing quote. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
