/** A document on the web, as a schedule pulls it. */

/** What tells a document from an earlier one of the same URL: RFC 9110, 8.8. */
export interface Validators {
  readonly etag?: string;
  /** As it came: an HTTP date. */
  readonly lastModified?: string;
}

export interface WebRequest {
  /** https, or http on loopback: its host is the only one that is asked. */
  readonly url: string;
  /** Of the document, decompressed. */
  readonly bytesMax: number;
  /** For the whole answer, redirects included. */
  readonly timeoutMs: number;
  /** Of the document that is there already. */
  readonly known: Validators | undefined;
}

export type WebAnswer =
  /** The document is the one of `known`. */
  | { readonly kind: 'unchanged' }
  /** Asked again, it would be no other: the reason names the answer and what is allowed. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'document'; readonly document: WebDocument };

export interface WebDocument extends Validators {
  readonly sizeBytes: number;
  /** As it came. */
  readonly contentType: string | undefined;
  /** The bytes, decompressed. */
  open(): AsyncIterable<Uint8Array>;
  /** Frees what the document takes. It is not opened afterwards. */
  discard(): Promise<void>;
}

export interface WebPort {
  /** @throws WebUnavailable for what may be otherwise later */
  get(request: WebRequest): Promise<WebAnswer>;
}

/** The host did not answer, not in time, not whole, or that it cannot now. */
export class WebUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WebUnavailable';
  }
}
