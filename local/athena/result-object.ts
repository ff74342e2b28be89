/**
 * What Athena leaves in the result location: a CSV with every value in quotes, null as nothing, or plain text for SHOW
 * and DESCRIBE; and beside it the description of the columns.
 * Source: https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
 */
import type { ObjectStore } from '../ports.ts';
import type { QueryExecution } from './query-execution.ts';
import { QueryFailure } from './query-failure.ts';
import type { QueryResult } from './run-query.ts';

export async function putResultObjects(
  execution: QueryExecution,
  result: QueryResult,
  objects: ObjectStore,
): Promise<void> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(execution.outputLocation) ?? [];
  const text = execution.statementType === 'DML' ? csv(result) : plain(result);
  // AWS writes a binary description there; nothing that the pipeline uses reads it.
  const description = JSON.stringify({ columns: result.columns });
  try {
    await objects.put({ bucket, key, content: Buffer.from(text), contentType: 'application/octet-stream' });
    await objects.put({ bucket, key: `${key}.metadata`, content: Buffer.from(description) });
  } catch (error) {
    const reason = Error.isError(error) ? error.message : String(error);
    throw new QueryFailure(
      'GENERIC_USER_ERROR',
      `Unable to verify/create output bucket ${bucket} for ${key}: ${reason}`,
    );
  }
}

function csv({ columns, rows }: QueryResult): string {
  const line = (values: readonly (string | null)[]): string => `${values.map(cell).join(',')}\n`;
  return line(columns.map((column) => column.name)) + rows.map(line).join('');
}

function cell(value: string | null): string {
  return value === null ? '' : `"${value.replaceAll('"', '""')}"`;
}

function plain({ rows }: QueryResult): string {
  return rows.map((row) => `${row.join('\t')}\n`).join('');
}
