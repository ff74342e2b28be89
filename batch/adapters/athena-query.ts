/** Runs SQL by Athena and reads the whole result: athena/latest/APIReference/API_GetQueryResults.html */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { ReadError } from '../reconcile/ports.ts';

export interface AthenaTarget {
  readonly client: AthenaClient;
  readonly workGroup: string;
  readonly database: string;
}

/** Rows of text; a null is `undefined`. */
export type RunSql = (sql: string) => Promise<readonly (readonly (string | undefined)[])[]>;

const POLL_MS = 50;
const POLL_MS_MAX = 1_000;
/** As long as a function may run. */
const QUERY_MS_MAX = 840_000;

/** @throws ReadError from the function that it gives, with Athena's reason */
export function createAthenaQuery({ client, workGroup, database }: AthenaTarget): RunSql {
  async function ended(QueryExecutionId: string | undefined): Promise<void> {
    let pollMs = POLL_MS;
    for (let waitedMs = 0; waitedMs < QUERY_MS_MAX; waitedMs += pollMs) {
      const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
      const { State, StateChangeReason } = QueryExecution?.Status ?? {};
      if (State === 'SUCCEEDED') return;
      if (State === 'FAILED' || State === 'CANCELLED') throw new Error(`${State}: ${StateChangeReason ?? 'no reason'}`);
      await sleep(pollMs);
      pollMs = Math.min(pollMs * 2, POLL_MS_MAX);
    }
    await client.send(new StopQueryExecutionCommand({ QueryExecutionId }));
    throw new Error(`it has not ended after ${QUERY_MS_MAX / 1_000} s`);
  }

  return async (sql) => {
    try {
      const { QueryExecutionId } = await client.send(
        new StartQueryExecutionCommand({
          QueryString: sql,
          WorkGroup: workGroup,
          QueryExecutionContext: { Database: database },
        }),
      );
      await ended(QueryExecutionId);
      const rows: (string | undefined)[][] = [];
      let token: string | undefined;
      do {
        const page = await client.send(new GetQueryResultsCommand({ QueryExecutionId, NextToken: token }));
        for (const row of page.ResultSet?.Rows ?? []) rows.push((row.Data ?? []).map((datum) => datum.VarCharValue));
        token = page.NextToken;
      } while (token);
      // The first row has the names of the columns.
      return rows.slice(1);
    } catch (error) {
      throw new ReadError(`query ${sql.slice(0, 200)}`, error);
    }
  };
}
