/**
 * Whether a name matches a pattern of SHOW TABLES, whatever their case: `*` is any text, `|` a choice. Takes time in
 * proportion to the pattern and the name; as an expression, twenty `*` would take longer than anyone waits.
 * Source: https://docs.aws.amazon.com/athena/latest/ug/show-tables.html
 */
export function matchesPattern(name: string, pattern: string): boolean {
  const text = name.toLowerCase();
  return pattern
    .toLowerCase()
    .split('|')
    .some((choice) => matchesChoice(text, choice));
}

/** Each piece between two `*` is found at its first place after the piece before: no later place can help. */
function matchesChoice(text: string, choice: string): boolean {
  const [first = '', ...rest] = choice.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
