/** Runs SQL through Athena's API, as any client of the endpoint would. */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const POLL_MS = 50;
const POLL_MS_MAX = 120_000;

export interface QueryTarget {
  readonly client: AthenaClient;
  readonly workgroup: string;
  readonly database: string;
}

/** @throws Error with Athena's reason when the query does not succeed, or has not ended after two minutes */
export async function query(target: QueryTarget, sql: string): Promise<QueryResult> {
  const { client, workgroup, database } = target;
  const { QueryExecutionId } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: workgroup,
      QueryExecutionContext: { Database: database },
    }),
  );
  await ended(client, QueryExecutionId);
  const rows: string[][] = [];
  let token: string | undefined;
  do {
    const page = await client.send(new GetQueryResultsCommand({ QueryExecutionId, NextToken: token }));
    for (const row of page.ResultSet?.Rows ?? []) rows.push((row.Data ?? []).map((datum) => datum.VarCharValue ?? ''));
    token = page.NextToken;
  } while (token);
  const [columns = [], ...data] = rows;
  return { columns, rows: data };
}

async function ended(client: AthenaClient, id: string | undefined): Promise<void> {
  for (let waitedMs = 0; waitedMs < POLL_MS_MAX; waitedMs += POLL_MS) {
    const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
    const state = QueryExecution?.Status?.State;
    if (state === 'SUCCEEDED') return;
    if (state === 'FAILED' || state === 'CANCELLED') {
      throw new Error(
        `query ${state.toLowerCase()}: ${QueryExecution?.Status?.StateChangeReason ?? 'no reason given'}`,
      );
    }
    await sleep(POLL_MS);
  }
  throw new Error(`query has not ended after ${POLL_MS_MAX / 1000} s`);
}
