/**
 * The operations of Athena over AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_Operations.html
 */
import path from 'node:path';
import { z } from 'zod';
import type { Catalog, ObjectStore } from '../ports.ts';
import { jsonProtocol, operation } from '../protocol/json.ts';
import { AwsError, type ServiceHandler } from '../service.ts';
import type { QueryExecution, QueryExecutions } from './query-execution.ts';
import { QueryFailure } from './query-failure.ts';
import { putResultObjects } from './result-object.ts';
import { type QueryResult, type ResultColumn, runQuery } from './run-query.ts';
import { runUtility } from './run-utility.ts';
import { parseStatement, type Statement } from './statement.ts';
import { type WorkGroup, withSlash } from './work-group.ts';

export interface AthenaContext {
  readonly catalog: Catalog;
  readonly objects: ObjectStore;
  readonly executions: QueryExecutions;
  readonly workGroups: ReadonlyMap<string, WorkGroup>;
  /** Folder for the files of queries that run. */
  readonly stagingFolder: string;
}

const BODY_BYTES_MAX = 1024 * 1024;
/** https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html */
const RESULTS_A_PAGE_MAX = 1_000;
const LIST_A_PAGE_MAX = 50;
const DEFAULT_WORK_GROUP = 'primary';
const DEFAULT_DATABASE = 'default';

const Id = z.object({ QueryExecutionId: z.string().min(1) });
const Start = z.object({
  QueryString: z.string().min(1),
  ClientRequestToken: z.string().min(32).max(128).optional(),
  QueryExecutionContext: z.object({ Database: z.string().optional(), Catalog: z.string().optional() }).optional(),
  ResultConfiguration: z.object({ OutputLocation: z.string().optional() }).optional(),
  WorkGroup: z.string().default(DEFAULT_WORK_GROUP),
  ExecutionParameters: z.array(z.string()).optional(),
});
type Start = z.infer<typeof Start>;

export function athenaOperations(context: AthenaContext): ServiceHandler {
  const { executions } = context;
  return jsonProtocol({
    service: 'athena',
    targetPrefix: 'AmazonAthena',
    version: '1.1',
    invalidInputCode: 'InvalidRequestException',
    bodyBytesMax: BODY_BYTES_MAX,
    operations: {
      StartQueryExecution: operation(Start, (input) => start(context, input)),
      GetQueryExecution: operation(Id, ({ QueryExecutionId }) => ({
        QueryExecution: executionAnswer(find(executions, QueryExecutionId)),
      })),
      BatchGetQueryExecution: operation(
        z.object({ QueryExecutionIds: z.array(z.string()).min(1).max(50) }),
        ({ QueryExecutionIds: ids }) => ({
          QueryExecutions: ids.flatMap((id) => executions.find(id) ?? []).map(executionAnswer),
          UnprocessedQueryExecutionIds: ids
            .filter((id) => !executions.find(id))
            .map((id) => ({ QueryExecutionId: id, ErrorCode: 'INTERNAL_ERROR', ErrorMessage: 'was not found' })),
        }),
      ),
      GetQueryResults: operation(
        Id.extend({
          MaxResults: z.number().int().min(1).max(RESULTS_A_PAGE_MAX).default(RESULTS_A_PAGE_MAX),
          NextToken: z.string().optional(),
        }),
        (input) => results(find(executions, input.QueryExecutionId), input.MaxResults, input.NextToken),
      ),
      StopQueryExecution: operation(Id, ({ QueryExecutionId }) => {
        executions.cancel(find(executions, QueryExecutionId));
        return {};
      }),
      ListQueryExecutions: operation(
        z.object({
          WorkGroup: z.string().default(DEFAULT_WORK_GROUP),
          MaxResults: z.number().int().min(0).max(LIST_A_PAGE_MAX).default(LIST_A_PAGE_MAX),
          NextToken: z.string().optional(),
        }),
        (input) => {
          workGroup(context, input.WorkGroup);
          const from = position(input.NextToken);
          const to = from + (input.MaxResults || LIST_A_PAGE_MAX);
          const all = executions.list(input.WorkGroup);
          return {
            QueryExecutionIds: all.slice(from, to).map((execution) => execution.id),
            NextToken: to < all.length ? String(to) : undefined,
          };
        },
      ),
      GetWorkGroup: operation(z.object({ WorkGroup: z.string() }), (input) => ({
        WorkGroup: workGroupAnswer(workGroup(context, input.WorkGroup)),
      })),
      ListWorkGroups: operation(z.object({}), () => ({
        WorkGroups: [...context.workGroups.values()].map((group) => ({
          Name: group.name,
          Description: group.description,
          State: 'ENABLED',
          CreationTime: group.createdAtMs / 1000,
          EngineVersion: ENGINE_VERSION,
        })),
      })),
    },
  });
}

const ENGINE_VERSION = {
  SelectedEngineVersion: 'Athena engine version 3',
  EffectiveEngineVersion: 'Athena engine version 3',
};

function start(context: AthenaContext, input: Start): object {
  const group = workGroup(context, input.WorkGroup);
  if (input.ExecutionParameters?.length)
    throw invalid('ExecutionParameters are not supported by the local athena; write the values into the query.');
  const location = outputLocation(group, input.ResultConfiguration?.OutputLocation);
  const statement = parseStatement(input.QueryString);
  const { Database: database, Catalog: catalog } = input.QueryExecutionContext ?? {};
  if (catalog !== undefined && catalog.toLowerCase() !== 'awsdatacatalog')
    throw invalid(`Catalog ${catalog} is not supported by the local athena; AwsDataCatalog is.`);
  const isQuery = statement.kind === 'query';
  const execution = context.executions.submit(
    {
      query: input.QueryString,
      statementType: isQuery ? 'DML' : 'UTILITY',
      workGroup: group.name,
      database,
      catalog,
      outputLocation: (id) => `${location}${id}.${isQuery ? 'csv' : 'txt'}`,
    },
    (submitted, signal) => run(context, submitted, statement, signal),
    input.ClientRequestToken,
  );
  return { QueryExecutionId: execution.id };
}

async function run(
  context: AthenaContext,
  execution: QueryExecution,
  statement: Statement,
  signal: AbortSignal,
): Promise<QueryResult> {
  const database = (execution.database ?? DEFAULT_DATABASE).toLowerCase();
  const known = execution.database === undefined || context.catalog.databases().includes(database);
  if (!known) throw new QueryFailure('SCHEMA_NOT_FOUND', `Schema '${database}' does not exist`);
  const result =
    statement.kind === 'query'
      ? await runQuery(
          {
            id: execution.id,
            sql: statement.sql,
            database,
            folder: path.join(context.stagingFolder, execution.id),
            signal,
          },
          context,
        )
      : runUtility(statement, database, context.catalog);
  await putResultObjects(execution, result, context.objects);
  return result;
}

function outputLocation(group: WorkGroup, asked: string | undefined): string {
  const location = group.enforced
    ? (group.outputLocation ?? withSlash(asked))
    : (withSlash(asked) ?? group.outputLocation);
  if (location !== undefined && /^s3:\/\/[^/]+\//.test(location)) return location;
  throw invalid(
    'No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.',
  );
}

function results(execution: QueryExecution, rowsMax: number, token: string | undefined): object {
  const { id, state, result } = execution;
  if (state === 'QUEUED' || state === 'RUNNING') throw invalid(`Query has not yet finished. Current state: ${state}`);
  if (state !== 'SUCCEEDED') throw invalid(`Query did not finish successfully. Final query state: ${state}`);
  if (!result) throw invalid(`The result of ${id} is no longer held; it is at ${execution.outputLocation}.`);
  // Queries have their column names as first row; SHOW and DESCRIBE do not.
  const header = execution.statementType === 'DML' ? [result.columns.map((column) => column.name)] : [];
  const from = position(token);
  const to = from + rowsMax;
  const rows = [...header.slice(from, to), ...result.rows.slice(Math.max(0, from - header.length), to - header.length)];
  return {
    UpdateCount: 0,
    ResultSet: {
      Rows: rows.map((row) => ({ Data: row.map((value) => (value === null ? {} : { VarCharValue: value })) })),
      ResultSetMetadata: { ColumnInfo: result.columns.map(columnInfo) },
    },
    NextToken: to < header.length + result.rows.length ? String(to) : undefined,
  };
}

function columnInfo(column: ResultColumn): object {
  return {
    CatalogName: 'hive',
    SchemaName: '',
    TableName: '',
    Name: column.name,
    Label: column.name,
    Type: column.type,
    Precision: column.precision,
    Scale: column.scale,
    Nullable: 'UNKNOWN',
    CaseSensitive: column.caseSensitive,
  };
}

function executionAnswer(execution: QueryExecution): object {
  const { submittedAtMs, startedAtMs = submittedAtMs, completedAtMs } = execution;
  const endMs = completedAtMs ?? startedAtMs;
  return {
    QueryExecutionId: execution.id,
    Query: execution.query,
    StatementType: execution.statementType,
    ResultConfiguration: { OutputLocation: execution.outputLocation },
    QueryExecutionContext: { Database: execution.database, Catalog: execution.catalog },
    Status: {
      State: execution.state,
      StateChangeReason: execution.reason,
      SubmissionDateTime: submittedAtMs / 1000,
      CompletionDateTime: completedAtMs === undefined ? undefined : completedAtMs / 1000,
      AthenaError:
        execution.state === 'FAILED'
          ? { ErrorCategory: 2, ErrorType: 1006, Retryable: false, ErrorMessage: execution.reason }
          : undefined,
    },
    Statistics: {
      EngineExecutionTimeInMillis: endMs - startedAtMs,
      DataScannedInBytes: execution.scannedBytes,
      TotalExecutionTimeInMillis: endMs - submittedAtMs,
      QueryQueueTimeInMillis: startedAtMs - submittedAtMs,
    },
    WorkGroup: execution.workGroup,
    EngineVersion: ENGINE_VERSION,
  };
}

function workGroupAnswer(group: WorkGroup): object {
  return {
    Name: group.name,
    State: 'ENABLED',
    Description: group.description,
    CreationTime: group.createdAtMs / 1000,
    Configuration: { ...group.configuration, EngineVersion: ENGINE_VERSION },
  };
}

function workGroup(context: AthenaContext, name: string): WorkGroup {
  const group = context.workGroups.get(name);
  if (group) return group;
  throw invalid(`WorkGroup ${name} is not found.`);
}

function find(executions: QueryExecutions, id: string): QueryExecution {
  const execution = executions.find(id);
  if (execution) return execution;
  throw invalid(`QueryExecution ${id} was not found`);
}

function position(token: string | undefined): number {
  if (token === undefined || token === '') return 0;
  if (/^\d{1,9}$/.test(token)) return Number(token);
  throw invalid(`NextToken ${JSON.stringify(token)} is not one that a page gave.`);
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidRequestException', message);
}
