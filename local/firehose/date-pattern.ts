/** The part of Java's DateTimeFormatter that prefixes use: numeric fields in UTC, and quoted text. */

const FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  yyyy: (date) => String(date.getUTCFullYear()).padStart(4, '0'),
  yy: (date) => String(date.getUTCFullYear() % 100).padStart(2, '0'),
  MM: (date) => two(date.getUTCMonth() + 1),
  M: (date) => String(date.getUTCMonth() + 1),
  dd: (date) => two(date.getUTCDate()),
  d: (date) => String(date.getUTCDate()),
  HH: (date) => two(date.getUTCHours()),
  H: (date) => String(date.getUTCHours()),
  mm: (date) => two(date.getUTCMinutes()),
  ss: (date) => two(date.getUTCSeconds()),
  SSS: (date) => String(date.getUTCMilliseconds()).padStart(3, '0'),
};

type Piece = { readonly text: string } | { readonly field: (date: Date) => string };

/** @throws Error naming letters that are not supported */
export function parseDatePattern(pattern: string): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const [token, quoted] of pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/g)) {
    const field = FIELDS[token];
    if (field) pieces.push({ field });
    else if (quoted !== undefined) pieces.push({ text: quoted === '' ? "'" : quoted.replaceAll("''", "'") });
    else if (/[A-Za-z]/.test(token)) {
      throw new Error(
        `Timestamp pattern ${JSON.stringify(pattern)}: ${token} is not supported locally. Supported: ${Object.keys(FIELDS).join(', ')}, quoted text.`,
      );
    } else pieces.push({ text: token });
  }
  return pieces;
}

export function formatTimestamp(pattern: string, atMs: number): string {
  const date = new Date(atMs);
  return parseDatePattern(pattern)
    .map((piece) => ('text' in piece ? piece.text : piece.field(date)))
    .join('');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
