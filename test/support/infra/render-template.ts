/**
 * Renders a mapping template with velocityjs, and with what API Gateway adds to it: `$input`, `$util`, `$context`, and the
 * methods of Java's String. Written from AWS's reference, apart from the local API Gateway, which has its own.
 */
import { Compile, parse } from 'velocityjs';

export interface TemplateInput {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Rendered {
  readonly text: string;
  /** What `$context.responseOverride.status` was set to. */
  readonly status: unknown;
}

export const REQUEST_ID = 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef';
export const EXTENDED_REQUEST_ID = 'JKJaXmPLvHcES/+=';

const STRING_METHODS: Readonly<Record<string, (text: string, argument: string, other: string) => unknown>> = {
  length: (text) => text.length,
  contains: (text, part) => text.includes(part),
  matches: (text, pattern) => new RegExp(`^(?:${pattern})$`).test(text),
  replaceAll: (text, pattern, by) => text.replaceAll(new RegExp(pattern, 'g'), () => by),
};

const JAVA_STRING = Object.entries(STRING_METHODS).map(([name, method]) => ({
  uid: name,
  match: ({ property, context }: { property: string; context: unknown }) =>
    property === name && typeof context === 'string',
  resolve: ({ context, params }: { context: unknown; params: readonly unknown[] }) =>
    method(String(context), String(params[0]), String(params[1])),
}));

/** Parsing takes most of the time, and the tests render the same templates again and again. */
const parsed = new Map<string, ReturnType<typeof parse>>();

function parseOnce(template: string): ReturnType<typeof parse> {
  const known = parsed.get(template) ?? parse(template);
  parsed.set(template, known);
  return known;
}

export function renderTemplate(template: string, { body, headers = {} }: TemplateInput): Rendered {
  const context = {
    requestId: REQUEST_ID,
    extendedRequestId: EXTENDED_REQUEST_ID,
    responseOverride: { status: undefined },
  };
  const text = new Compile(parseOnce(template), { customMethodHandlers: JAVA_STRING }).render({
    context,
    util: { base64Encode: (value: string) => Buffer.from(value).toString('base64'), escapeJavaScript },
    input: {
      body,
      path: (at: string) => memberAt(body, at),
      params: () => ({ header: { keySet: () => Object.keys(headers), get: (name: string) => headers[name] } }),
    },
  });
  return { text, status: context.responseOverride.status };
}

/** Of the paths of JSONPath those of names joined by dots. */
function memberAt(body: string, at: string): unknown {
  let value: unknown = JSON.parse(body);
  for (const name of at.split('.').slice(1)) {
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : null;
  }
  return value;
}

/** StringEscapeUtils.escapeJavaScript of Apache Commons Lang 2. */
function escapeJavaScript(text: string): string {
  const named = new Map([...'bnftr'].map((letter) => [JSON.parse(`"\\${letter}"`), letter]));
  return text
    .split('')
    .map((unit) => {
      const letter = named.get(unit);
      if (letter !== undefined) return `\\${letter}`;
      if (unit < ' ' || unit > '~') return `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
      return ['"', "'", '\\', '/'].includes(unit) ? `\\${unit}` : unit;
    })
    .join('');
}
