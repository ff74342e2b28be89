/**
 * `$util` of mapping templates.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
import { parseJson, UnreadableJson } from './parse-json.ts';
import { TemplateError, textOf, type VtlValue, vtlObject } from './value.ts';

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "'": "\\'",
  '/': '\\/',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/**
 * As Java's `StringEscapeUtils.escapeJavaScript` (commons-lang): quotes of both kinds, slashes, control characters, and all
 * that is not ASCII as `\uXXXX`. `\'` is no JSON: a template that writes JSON takes it back by `.replaceAll("\\'", "'")`.
 */
export function escapeJavaScript(text: string): string {
  return text.replace(/["'/\\]|[^\x20-\x7e]/g, (unit) => SHORT_ESCAPES[unit] ?? unicodeEscape(unit));
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

export const templateFunctions: VtlValue = vtlObject({
  name: '$util',
  member: () => undefined,
  call(name, [given = null]) {
    const text = textOf(given);
    switch (name) {
      case 'escapeJavaScript':
        // Java writes what is absent so.
        return given === null ? 'null' : escapeJavaScript(text);
      case 'base64Encode':
        return Buffer.from(text, 'utf8').toString('base64');
      case 'base64Decode':
        return Buffer.from(text, 'base64').toString('utf8');
      case 'urlEncode':
        return urlEncode(text);
      case 'urlDecode':
        return urlDecode(text);
      case 'parseJson':
        return parseText(text);
      default:
        return undefined;
    }
  },
});

/** As `java.net.URLEncoder`: letters, digits and `.-*_` stay, a space becomes `+`. */
function urlEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function urlDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    throw new TemplateError('$util.urlDecode: the text is not percent-encoded', { cause: error });
  }
}

function parseText(text: string): VtlValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof UnreadableJson) throw new TemplateError(`$util.parseJson: ${error.message}`, { cause: error });
    throw error;
  }
}
