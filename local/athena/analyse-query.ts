/**
 * What a query names, from DuckDB's own parse of it: tables, functions, and the columns that Athena would number.
 * Only SELECT statements have such a parse, so nothing else gets past here.
 */
import { z } from 'zod';
import { quoteText } from '../duckdb/duckdb-type.ts';
import type { DuckDbSession } from '../duckdb/open-duckdb.ts';
import { SUPPORTED_FUNCTIONS } from './functions.ts';
import { QueryFailure } from './query-failure.ts';

export interface TableName {
  readonly catalog: string;
  readonly database: string;
  readonly table: string;
}

export interface Analysis {
  readonly tables: readonly TableName[];
  /** Names that WITH gives. In lower case. */
  readonly withNames: ReadonlySet<string>;
  /** For each item of the select list: true when it has no name of its own; undefined when an item is `*`. */
  readonly unnamed: readonly (boolean | 'star')[];
}

const Parse = z.union([
  z.object({ error: z.literal(true), error_message: z.string(), position: z.string().optional() }),
  z.object({ error: z.literal(false), statements: z.array(z.object({ node: z.record(z.string(), z.unknown()) })) }),
]);

/** @throws QueryFailure for a syntax error, several statements, or a function that is not supported */
export async function analyseQuery(session: DuckDbSession, sql: string): Promise<Analysis> {
  const { rows } = await session.read(`SELECT json_serialize_sql(${quoteText(sql)})`);
  const parse = Parse.parse(JSON.parse(String(rows[0]?.[0])));
  if (parse.error) throw syntaxError(sql, parse.error_message, Number(parse.position ?? 0));
  const [statement, ...others] = parse.statements;
  if (!statement || others.length > 0)
    throw new QueryFailure('SYNTAX_ERROR', 'line 1:1: Only one sql statement is allowed.');
  const tables: TableName[] = [];
  const withNames = new Set<string>();
  walk(statement.node, (node) => {
    if (node.type === 'BASE_TABLE') tables.push(tableName(node));
    if ((node.class === 'FUNCTION' || node.class === 'WINDOW') && node.is_operator !== true) checkFunction(sql, node);
    if (node.type === 'SHOW_REF' || node.type === 'COLUMN_DATA' || node.type === 'PIVOT')
      throw new QueryFailure('NOT_SUPPORTED', `${node.type} is not Athena SQL.`);
    for (const name of withNamesOf(node)) withNames.add(name);
  });
  return { tables, withNames, unnamed: selectList(statement.node).map(isUnnamed) };
}

type Node = Readonly<Record<string, unknown>>;

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  else if (isNode(value)) {
    visit(value);
    for (const member of Object.values(value)) walk(member, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tableName(node: Node): TableName {
  return {
    catalog: String(node.catalog_name ?? '').toLowerCase(),
    database: String(node.schema_name ?? '').toLowerCase(),
    table: String(node.table_name ?? '').toLowerCase(),
  };
}

function withNamesOf(node: Node): string[] {
  const map = isNode(node.cte_map) && Array.isArray(node.cte_map.map) ? node.cte_map.map : [];
  return map.map((entry: unknown) => (isNode(entry) ? String(entry.key).toLowerCase() : ''));
}

function checkFunction(sql: string, node: Node): void {
  const name = String(node.function_name).toLowerCase();
  if (SUPPORTED_FUNCTIONS.has(name)) return;
  const location = Number(node.query_location);
  throw new QueryFailure(
    'FUNCTION_NOT_FOUND',
    `${lineAndColumn(sql, location)}: The local athena does not support function ${name}.`,
  );
}

/** Of the select that gives the result its names: the left-most of a UNION. */
function selectList(node: Node): readonly unknown[] {
  if (isNode(node.left)) return selectList(node.left);
  return Array.isArray(node.select_list) ? node.select_list : [];
}

function isUnnamed(item: unknown): boolean | 'star' {
  if (!isNode(item)) return false;
  if (item.class === 'STAR') return 'star';
  if (item.class === 'COLUMN_REF' && item.alias === '') return isNiladic(item.column_names);
  return item.alias === '' && item.class !== 'COLUMN_REF' && item.type !== 'STRUCT_EXTRACT';
}

const NILADIC = new Set(['current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp']);

/** Functions without parentheses pass for columns in the parse. */
function isNiladic(names: unknown): boolean {
  return Array.isArray(names) && names.length === 1 && NILADIC.has(String(names[0]).toLowerCase());
}

function syntaxError(sql: string, message: string, position: number): QueryFailure {
  return new QueryFailure('SYNTAX_ERROR', `${lineAndColumn(sql, position)}: ${message}`);
}

/** `line 1:8`, counted from 1. */
function lineAndColumn(sql: string, position: number): string {
  const before = sql.slice(0, Number.isSafeInteger(position) && position <= sql.length ? position : 0);
  return `line ${before.split('\n').length}:${before.length - before.lastIndexOf('\n')}`;
}
