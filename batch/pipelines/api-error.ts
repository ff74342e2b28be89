/** An answer that is not what was asked for: a status, a code that programs go by, and what is wrong in words. */
import { describe } from '../../schemas/describe.ts';

/** By code: the HTTP status that it is answered with. */
export const ERROR_STATUSES = {
  /** A field of the request: which one, what was received, what is allowed. */
  INVALID_REQUEST: 400,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  /** The run takes no more, or has ended. */
  RUN_ENDED: 409,
  /** A request with the same Idempotency-Key is being worked on. */
  IN_PROGRESS: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  /** The Idempotency-Key came with another request before. */
  KEY_REUSED: 422,
  THROTTLED: 429,
  INTERNAL: 500,
  NOT_IMPLEMENTED: 501,
  /** A service behind the API does not answer: the same request may be sent again. */
  UNAVAILABLE: 503,
} as const;
export type ErrorCode = keyof typeof ERROR_STATUSES;

export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  /** @param headers of the answer, such as `Retry-After` */
  constructor(code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.headers = headers;
  }
}

/** A field that is not as it should be. @param allowed in words, such as `one of a, b` */
export function invalid(field: string, received: unknown, allowed: string): ApiError {
  return new ApiError('INVALID_REQUEST', `${field}: received ${describe(received)}, allowed: ${allowed}`);
}
