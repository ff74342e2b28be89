/** Decimals from text, exactly: no value passes through a binary float. */

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * The decimal in plain digits, such as `-12.30` for `-1.23e1`.
 * Undefined when the text is no number, or does not fit `precision` digits with at most `scale` after the point.
 * Digits are never rounded away.
 */
export function normaliseDecimal(text: string, precision: number, scale: number): string | undefined {
  const parts = NUMBER.exec(text);
  if (!parts) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const digits = whole + fraction;
  if (digits === '') return undefined;
  const point = whole.length + Number(exponent);
  const before = (point > 0 ? digits.slice(0, point).padEnd(point, '0') : '').replace(/^0+/, '');
  const after = withoutZerosAtEnd(point < 0 ? '0'.repeat(-point) + digits : digits.slice(point));
  if (before.length > precision - scale || after.length > scale) return undefined;
  const negative = sign === '-' && (before !== '' || after !== '');
  return `${negative ? '-' : ''}${before || '0'}${after && `.${after}`}`;
}

/** By index: an expression would try each run of zeros once for each zero. */
function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charAt(end - 1) === '0') end--;
  return digits.slice(0, end);
}
