/** The XML of S3's answers and requests. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { z } from 'zod';
import { AwsError, type ServiceResponse } from '../service.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from './checksum.ts';
import type { StoredChecksums } from './object-index.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** What an element may hold: text, members in order, or the same member several times. Undefined members are left out. */
export type XmlContent =
  | string
  | number
  | boolean
  | readonly XmlContent[]
  | { readonly [member: string]: XmlContent | undefined };

/** An answer with `content` in an element of S3's namespace. */
export function xmlAnswer(
  root: string,
  content: XmlContent,
  headers: Readonly<Record<string, string>> = {},
): ServiceResponse {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${inner(content)}</${root}>`;
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}

/**
 * Parses a request's document; elements named in `lists` become arrays even when there is one.
 * @throws AwsError `MalformedXML`
 */
export function parseXml<Shape>(body: Buffer, lists: readonly string[], shape: z.ZodType<Shape>): Shape {
  const parser = new XMLParser({
    ignoreAttributes: true,
    ignoreDeclaration: true,
    parseTagValue: false,
    trimValues: false,
    // Entities of the document's own are not expanded, and references to control characters are not dropped.
    processEntities: false,
    tagValueProcessor: (_name, text) => unescapeText(text),
    isArray: (name) => lists.includes(name),
  });
  const text = body.toString('utf8');
  const wellFormed = XMLValidator.validate(text);
  if (wellFormed !== true) throw malformed(wellFormed.err.msg);
  let document: unknown;
  try {
    document = parser.parse(text);
  } catch (error) {
    throw malformed(Error.isError(error) ? error.message : String(error));
  }
  const parsed = shape.safeParse(document);
  if (parsed.success) return parsed.data;
  throw malformed(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}

/** The name of the member that holds a checksum, such as `ChecksumCRC32`. */
export function checksumMember(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm.toUpperCase()}`;
}

export function checksumMembers({ type, values }: StoredChecksums): Readonly<Record<string, string | undefined>> {
  const members = CHECKSUM_ALGORITHMS.map((algorithm) => [checksumMember(algorithm), values[algorithm]]);
  return { ...Object.fromEntries(members), ChecksumType: type };
}

function inner(content: XmlContent): string {
  if (typeof content !== 'object') return escapeText(String(content));
  if (Array.isArray(content)) return content.map(inner).join('');
  return Object.entries(content)
    .map(([name, member]) => (member === undefined ? '' : element(name, member)))
    .join('');
}

function element(name: string, content: XmlContent): string {
  if (Array.isArray(content)) return content.map((entry) => element(name, entry)).join('');
  return `<${name}>${inner(content)}</${name}>`;
}

/** Control characters as references, as S3 writes them: bare ones would be dropped or changed by a parser. */
function escapeText(text: string): string {
  let escaped = '';
  for (const character of text) {
    escaped += ENTITIES[character] ?? (character < ' ' ? `&#x${character.charCodeAt(0).toString(16)};` : character);
  }
  return escaped;
}

const CHARACTERS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeText(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (reference, hex, decimal, name) => {
    if (name !== undefined) return CHARACTERS[name] ?? reference;
    const code = Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : reference;
  });
}

function malformed(reason: string): AwsError {
  return new AwsError(
    'MalformedXML',
    `The XML you sent is not well-formed or not what this operation takes: ${reason}`,
    400,
  );
}
