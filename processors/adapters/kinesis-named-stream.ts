/** Asks Kinesis which stream has a name now: each time, since a stream can be deleted and made again. */
import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { StateUnavailable } from '../books/state-table.ts';
import type { NamedStreamPort } from '../books/stream-info.ts';

export function createKinesisNamedStream(client: KinesisClient): NamedStreamPort {
  return {
    async refOf(streamName) {
      try {
        const command = new DescribeStreamSummaryCommand({ StreamName: streamName });
        const { StreamDescriptionSummary: summary } = await client.send(command);
        const { StreamARN, StreamCreationTimestamp } = summary ?? {};
        if (StreamARN === undefined || StreamCreationTimestamp === undefined) {
          throw new Error(`${streamName} has no StreamARN or no StreamCreationTimestamp`);
        }
        return { streamArn: StreamARN, createdAtMs: StreamCreationTimestamp.getTime() };
      } catch (error) {
        const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
        throw new StateUnavailable(`the stream could not be described: ${reason}`, { cause: error });
      }
    },
  };
}
