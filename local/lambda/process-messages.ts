/** What a function's process and its parent say to each other over the IPC channel (structured clone). */

export interface InvokeMessage {
  readonly requestId: string;
  /** JSON text, parsed in the function's process, or the event itself. */
  readonly payload: string | object;
  /** Milliseconds that the invocation has. */
  readonly timeoutMs: number;
  readonly traceId: string;
}

/** The error object that Lambda gives to the caller of a failed function. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type ProcessMessage =
  | { readonly kind: 'ready' }
  /** The bundle or its handler could not be loaded; the process ends. */
  | { readonly kind: 'initFailed'; readonly error: FunctionError }
  /** `payload` is JSON text. */
  | { readonly kind: 'returned'; readonly requestId: string; readonly payload: string; readonly memoryBytes: number }
  | {
      readonly kind: 'threw';
      readonly requestId: string;
      readonly error: FunctionError;
      readonly memoryBytes: number;
      /** The process is about to end: the error was caught by nobody. */
      readonly ends: boolean;
    };

/** What the process prints on standard output once all that an invocation printed has been printed. */
export function outputEnd(requestId: string): string {
  return `\u0000end ${requestId}`;
}

/** Stands for a line break inside one message on standard output. */
export const LINE_BREAK_INSIDE = '\r';
