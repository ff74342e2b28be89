/** Which of the statements that run here a query string is. Reads its words; no SQL is run. */
import { AwsError } from '../service.ts';

export type Statement =
  | { readonly kind: 'query'; readonly sql: string }
  | { readonly kind: 'show-databases' }
  | { readonly kind: 'show-tables'; readonly database: string | undefined; readonly pattern: string | undefined }
  | { readonly kind: 'show-partitions' | 'describe'; readonly database: string | undefined; readonly table: string };

const NAME = '[`"]?([\\w-]+)[`"]?';
const QUALIFIED = `(?:${NAME}\\s*\\.\\s*)?${NAME}`;
const SHOW_DATABASES = /^show\s+(?:databases|schemas)$/i;
const SHOW_TABLES = new RegExp(`^show\\s+tables(?:\\s+in\\s+${NAME})?(?:\\s+'([^']*)')?$`, 'i');
const SHOW_PARTITIONS = new RegExp(`^show\\s+partitions\\s+${QUALIFIED}$`, 'i');
const DESCRIBE = new RegExp(`^desc(?:ribe)?\\s+${QUALIFIED}$`, 'i');
const QUERY = /^(?:select|with|values|\()/i;

/** https://docs.aws.amazon.com/athena/latest/ug/service-limits.html */
const QUERY_STRING_BYTES_MAX = 262_144;

/** @throws AwsError `InvalidRequestException` for what is not run here, named by its first words */
export function parseStatement(queryString: string): Statement {
  if (Buffer.byteLength(queryString) > QUERY_STRING_BYTES_MAX)
    throw new AwsError('InvalidRequestException', `The query has more than ${QUERY_STRING_BYTES_MAX} bytes.`);
  const sql = withoutEnd(queryString);
  const words = sql.replace(/^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '');
  if (QUERY.test(words)) return { kind: 'query', sql };
  if (SHOW_DATABASES.test(words)) return { kind: 'show-databases' };
  const tables = SHOW_TABLES.exec(words);
  if (tables) return { kind: 'show-tables', database: tables[1], pattern: tables[2] };
  const partitions = SHOW_PARTITIONS.exec(words);
  if (partitions) return { kind: 'show-partitions', database: partitions[1], table: partitions[2] ?? '' };
  const described = DESCRIBE.exec(words);
  if (described) return { kind: 'describe', database: described[1], table: described[2] ?? '' };
  const first = words.split(/\s+/).slice(0, 2).join(' ').toUpperCase() || '(nothing)';
  throw new AwsError(
    'InvalidRequestException',
    `The local athena does not run ${first}. Supported: SELECT, WITH, VALUES, SHOW DATABASES, SHOW TABLES, SHOW PARTITIONS, DESCRIBE.`,
  );
}

/** Without the spaces and semicolons at its end. An expression would look at each run of spaces once for each space. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /[\s;]/.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
