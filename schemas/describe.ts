/** Words for values in messages: short, and never more of a record than a person needs to find the fault. */

/** Characters of a value that are shown. */
const SHOWN_CHARACTERS_MAX = 80;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as JSON, shortened; for definition errors. */
export function shown(value: unknown): string {
  return value === undefined ? 'nothing' : shorten(JSON.stringify(value) ?? String(value), SHOWN_CHARACTERS_MAX);
}

/** What a record holds at a place: its type and, where short, the value. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'object') return 'object';
  if (typeof value === 'string') return `string ${describeText(value)}`;
  return `${typeof value} ${shorten(String(value), SHOWN_CHARACTERS_MAX)}`;
}

function describeText(text: string): string {
  const start = JSON.stringify(text.slice(0, SHOWN_CHARACTERS_MAX));
  return text.length > SHOWN_CHARACTERS_MAX ? `${start}… of ${text.length} characters` : start;
}

/** Cuts `text` to `charactersMax` characters, the last one an ellipsis, and never through a surrogate pair. */
export function shorten(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const kept = text.slice(0, charactersMax - 1);
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1).toWellFormed()}…`;
}
