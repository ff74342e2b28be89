/** A whole local pipeline for a test: a state folder and a port of its own. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Clients, createClients } from '../../../cli/start/clients.ts';
import { type LocalPipeline, startLocalPipeline } from '../../../cli/start/local-pipeline.ts';
import { type QueryResult, query } from '../../../cli/start/query.ts';

export interface TestPipeline {
  readonly pipeline: LocalPipeline;
  readonly clients: Clients;
  readonly stateFolder: string;
  /** Every log line of every function. */
  readonly log: readonly string[];
  /** What was said on standard error. */
  readonly warnings: readonly string[];
  /** Runs SQL through Athena's API. */
  sql(text: string): Promise<QueryResult>;
  stop(): Promise<void>;
}

export const DRAIN_TIMEOUT_MS = 60_000;

/** @param stateFolder of an earlier pipeline, to go on with its state */
export async function startTestPipeline(stateFolder?: string): Promise<TestPipeline> {
  const folder = stateFolder ?? mkdtempSync(path.join(tmpdir(), 'pipeline-'));
  const log: string[] = [];
  const warnings: string[] = [];
  const pipeline = await startLocalPipeline({
    stateFolder: folder,
    port: 0,
    onLog: (_group, message) => log.push(message),
    warn: (line) => warnings.push(line),
  });
  const clients = createClients(pipeline.endpoint, pipeline.region);
  return {
    ...{ pipeline, clients, stateFolder: folder, log, warnings },
    sql: (text) => query(clients.athena, text),
    async stop() {
      clients.close();
      await pipeline.stop();
    },
  };
}
