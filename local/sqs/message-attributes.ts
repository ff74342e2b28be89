/**
 * Message attributes: their digest, their size, and which of them a receive asks for.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Attributes that a message may have. */
const ATTRIBUTES_MAX = 10;
const NAME = /^(?!(?:aws|amazon)\.)(?!\.)(?!.*\.\.)(?!.*\.$)[\w.-]{1,256}$/i;

const attributeValue = z
  .object({
    DataType: z.string().regex(/^(String|Number|Binary)(\..+)?$/, 'String, Number or Binary, with or without a label'),
    StringValue: z.string().min(1).optional(),
    /** Base64. */
    BinaryValue: z.base64().min(1).optional(),
  })
  .refine(
    (value) => (value.DataType.startsWith('Binary') ? value.BinaryValue : value.StringValue) !== undefined,
    'needs a BinaryValue for the type Binary, else a StringValue',
  );

export const messageAttributes = z
  .record(z.string().regex(NAME, 'no name of an attribute'), attributeValue)
  .refine((all) => Object.keys(all).length <= ATTRIBUTES_MAX, `at most ${ATTRIBUTES_MAX} attributes`);

export type MessageAttributes = Readonly<z.infer<typeof messageAttributes>>;

/** MD5 over the attributes in the order of their names, hex; undefined when there is none. */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const digest = createHash('md5');
  const add = (part: string | Buffer): void => {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  };
  for (const name of names) {
    const { DataType, StringValue, BinaryValue } = attributes[name] ?? { DataType: '' };
    const isBinary = DataType.startsWith('Binary');
    add(name);
    add(DataType);
    digest.update(Buffer.of(isBinary ? 2 : 1));
    add(isBinary ? Buffer.from(BinaryValue ?? '', 'base64') : (StringValue ?? ''));
  }
  return digest.digest('hex');
}

/** What attributes add to the size of a message. */
export function bytesOfAttributes(attributes: MessageAttributes): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => {
    const content = value.DataType.startsWith('Binary')
      ? Buffer.byteLength(value.BinaryValue ?? '', 'base64')
      : Buffer.byteLength(value.StringValue ?? '');
    return sum + Buffer.byteLength(name) + Buffer.byteLength(value.DataType) + content;
  }, 0);
}

/** @param wanted names, prefixes as `name.*`, or `All` or `.*` for all of them */
export function selectAttributes(attributes: MessageAttributes, wanted: readonly string[]): MessageAttributes {
  const isWanted = (name: string): boolean =>
    wanted.some((pattern) => {
      if (pattern === 'All' || pattern === '.*') return true;
      return pattern.endsWith('.*') ? name.startsWith(pattern.slice(0, -2)) : name === pattern;
    });
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => isWanted(name)));
}
