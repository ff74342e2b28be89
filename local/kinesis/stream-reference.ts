/** The stream that a call is about: by name, by ARN, or both. */
import { z } from 'zod';
import { AwsError } from '../service.ts';
import type { Stream } from './stream.ts';

export const StreamReference = z.object({
  StreamName: z
    .string()
    .regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'is 1 to 128 letters, digits, _ . -')
    .optional(),
  StreamARN: z
    .string()
    .max(2048)
    .regex(/^arn:aws.*:kinesis:.*:\d{12}:stream\/\S+$/, 'is arn:aws:kinesis:<region>:<account>:stream/<name>')
    .optional(),
});
export type StreamReference = Readonly<z.infer<typeof StreamReference>>;

export interface StreamsOfAccount {
  readonly account: string;
  readonly streams: ReadonlyMap<string, Stream>;
}

/** @throws AwsError `InvalidArgumentException`, `ResourceNotFoundException` */
export function findStream({ account, streams }: StreamsOfAccount, reference: StreamReference): Stream {
  const { StreamName, StreamARN } = reference;
  const name = StreamName ?? StreamARN?.slice(StreamARN.lastIndexOf('/') + 1);
  if (name === undefined)
    throw new AwsError('InvalidArgumentException', 'Neither StreamName nor StreamARN is given; one is required.');
  const stream = streams.get(name);
  if (stream && (StreamARN === undefined || stream.definition.arn === StreamARN)) return stream;
  const owner = StreamARN?.split(':')[4] ?? account;
  throw new AwsError('ResourceNotFoundException', `Stream ${name} under account ${owner} not found.`);
}
