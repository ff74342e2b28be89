/** SDK clients of the local endpoint. */
import { AthenaClient } from '@aws-sdk/client-athena';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import type { ClientSettings } from '../pipeline/connection.ts';
import { DATABASE, WORKGROUP } from './names.ts';
import type { QueryTarget } from './query.ts';

export interface Clients {
  readonly kinesis: KinesisClient;
  readonly athena: QueryTarget;
  /** What any other client is made with. */
  readonly settings: ClientSettings;
  /** Closes their connections. */
  close(): void;
}

/** The local endpoint takes any credentials. */
export function createClients(endpoint: string, region: string): Clients {
  const shared = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const kinesis = new KinesisClient(shared);
  const client = new AthenaClient(shared);
  return {
    kinesis,
    settings: shared,
    athena: { client, workgroup: WORKGROUP, database: DATABASE },
    close() {
      kinesis.destroy();
      client.destroy();
    },
  };
}
