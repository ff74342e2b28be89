/**
 * The MetadataExtraction query, as far as it is kept here: a JQ object construction of paths, each with an optional
 * string slice, such as `{dt:._event_time[0:10], k:.a.b}`. Anything else of JQ is refused when the template is loaded.
 * Source: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-partitioning-keys.html
 */

/** Partition keys by name, or why there are none. */
export type PartitionKeys = { readonly values: readonly string[] } | { readonly problem: string };

export interface KeyPath {
  /** Names of members, from the document inwards. */
  readonly steps: readonly string[];
  /** The slice in code points; 0 to infinity when there is none. */
  readonly from: number;
  readonly to: number;
}

export interface PartitionQuery {
  readonly names: readonly string[];
  readonly paths: readonly KeyPath[];
  readonly extract: (document: unknown) => PartitionKeys;
}

const MEMBER = /^\s*(?:([A-Za-z_]\w*)|"([^"\\]+)")\s*:\s*(.+?)\s*$/;
const PATH = /^((?:\.(?:[A-Za-z_]\w*|"[^"\\]+"))+)(?:\[(\d*):(\d*)\])?$/;
/** https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-partitioning-keys.html */
const KEYS_MAX = 50;

/** @throws Error naming the part that is not supported */
export function compilePartitionQuery(query: string): PartitionQuery {
  const body = /^\s*\{(.*)\}\s*$/s.exec(query)?.[1];
  if (body === undefined) throw unsupported(query, query);
  const members = splitMembers(body).map((member) => compileMember(query, member));
  if (members.length > KEYS_MAX)
    throw new Error(`MetadataExtractionQuery has ${members.length} keys; at most ${KEYS_MAX} are allowed.`);
  const extract = (document: unknown): PartitionKeys => {
    const values: string[] = [];
    for (const member of members) {
      const value = member.read(document);
      if (value === undefined || value === '')
        return { problem: `partitionKeys values must not be null or empty: ${member.name}` };
      values.push(value);
    }
    return { values };
  };
  return { names: members.map((member) => member.name), paths: members.map((member) => member.path), extract };
}

/** Splits at commas outside quotes and brackets. */
function splitMembers(body: string): string[] {
  return body.match(/(?:"[^"]*"|\[[^\]]*\]|[^,])+/g) ?? [];
}

interface Member {
  readonly name: string;
  readonly path: KeyPath;
  /** Undefined for what cannot be a partition key: null, an object, a slice of what is no string. */
  readonly read: (document: unknown) => string | undefined;
}

function compileMember(query: string, member: string): Member {
  const [, bare, quoted, path = ''] = MEMBER.exec(member) ?? [];
  const name = bare ?? quoted;
  const [, steps, from, to] = PATH.exec(path) ?? [];
  if (name === undefined || steps === undefined) throw unsupported(query, member);
  const keys = [...steps.matchAll(/\.(?:([A-Za-z_]\w*)|"([^"]+)")/g)].map((step) => step[1] ?? step[2] ?? '');
  const sliced = from !== undefined;
  if (sliced && from === '' && to === '') throw unsupported(query, member);
  const start = Number(from ?? 0);
  const end = to === undefined || to === '' ? Number.POSITIVE_INFINITY : Number(to);
  return {
    name,
    path: { steps: keys, from: start, to: end },
    read(document) {
      let value: unknown = document;
      for (const key of keys) {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
        value = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
      }
      if (sliced) return typeof value === 'string' ? slice(value, start, end) : undefined;
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      return typeof value === 'string' ? value : undefined;
    },
  };
}

const SURROGATE = /[\ud800-\udfff]/;

/** JQ slices by code point. */
function slice(text: string, from: number, to: number): string {
  const head = text.slice(0, to);
  return SURROGATE.test(head) ? Array.from(text).slice(from, to).join('') : head.slice(from);
}

function unsupported(query: string, part: string): Error {
  return new Error(
    `MetadataExtractionQuery ${JSON.stringify(query)}: ${JSON.stringify(part.trim())} is not supported locally. ` +
      'Supported: an object of paths with optional string slices, such as {dt:._event_time[0:10],k:.a.b}.',
  );
}
