/** What the attributes of a CloudEvent say, for the readers of one event and of a batch of data. */
import { describe } from '../../schemas/describe.ts';
import type { DecodeFault, EventOrigin } from './outcomes.ts';

export type Attributes = Readonly<Record<string, unknown>>;

/** The parameters of a media type, such as a charset, do not matter here. */
export const JSON_CONTENT = /^\s*(?:application|text|\*)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
export const AVRO_CONTENT = /^\s*(?:avro\/binary|application\/avro)\s*(?:;|$)/i;
/** W3C Trace Context, section 3.2: version, trace id, parent id, flags; later versions may append more. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** The bytes, or `undefined` for what is no base64: decoding passes over foreign characters, so it comes out short. */
export function readBase64(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value.length % 4 !== 0) return undefined;
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
  const binary = Buffer.from(value, 'base64');
  const isWhole = binary.length === (value.length / 4) * 3 - padding;
  return isWhole && !value.includes('-') && !value.includes('_') ? binary : undefined;
}

export function findContentFault(
  attributes: Attributes,
  accepted: readonly RegExp[],
  expected: string,
): DecodeFault | undefined {
  const contentType = text(attributes.datacontenttype);
  if (contentType === undefined || accepted.some((pattern) => pattern.test(contentType))) return undefined;
  return attributeFault('datacontenttype', expected, contentType);
}

export function attributeFault(path: string, expected: string, value: unknown): DecodeFault {
  const received = describe(value);
  return {
    code: 'INVALID_CLOUDEVENT',
    path,
    expected,
    received,
    message: `The CloudEvent's ${path} is ${received}; expected ${expected}.`,
  };
}

/** What is well-formed of the envelope, also of one that is otherwise invalid. */
export function originOf(attributes: Attributes): EventOrigin {
  const traceparent = text(attributes.traceparent);
  return {
    source: text(attributes.source),
    runId: text(attributes.runid),
    chunkId: text(attributes.chunkid),
    // An invalid traceparent is to be ignored (W3C Trace Context, section 3.2.2), so it never fails an event.
    traceId: traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1],
  };
}

/** Half of a surrogate pair has no UTF-8 form: in a column, or hashed into an identity, it would be another text. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed();
}

export function text(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}
