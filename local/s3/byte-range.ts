/** The part of an object that a `Range` header asks for. Pure. */
import { AwsError } from '../service.ts';

/** Both inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Undefined when all of the object is to be sent: without a header, for several ranges (which S3 does not serve), and for one
 * that is no range (RFC 9110, 14.2).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 * @throws AwsError `InvalidRange` (416)
 */
export function byteRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const bytes = Math.min(Number(to), size);
    if (bytes === 0) throw notSatisfiable(header, size);
    return { first: size - bytes, last: size - 1 };
  }
  const first = Number(from);
  if (to !== '' && Number(to) < first) return undefined;
  if (first >= size) throw notSatisfiable(header, size);
  return { first, last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

function notSatisfiable(header: string | undefined, size: number): AwsError {
  return new AwsError(
    'InvalidRange',
    `The requested range ${header} lies outside the ${size} bytes of the object.`,
    416,
  );
}
