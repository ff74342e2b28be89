/**
 * `npm run generate`: writes `schemas/<name>/<name>.gen.ts` from the dataset's schema.avsc, output.avsc and quality.dqdl,
 * because a bundle cannot read those files at run time. The output depends on the sources alone, byte for byte.
 *
 * `--check` writes nothing, and exits 1 naming each file that is stale and the command that mends it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Schema } from 'avsc';
import { type AvroType, parseSchema } from '../schemas/avro-type.ts';

const SCHEMAS = path.join(import.meta.dirname, '..', 'schemas');
const MEND = 'npm run generate';

/** Names of the folders that declare a dataset. */
export function datasetFolders(schemas = SCHEMAS): readonly string[] {
  return readdirSync(schemas, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(schemas, entry.name, 'schema.avsc')))
    .map((entry) => entry.name)
    .sort();
}

/** The text of a dataset's generated file. */
export function generate(name: string, schemas = SCHEMAS): string {
  const read = (file: string) => readFileSync(path.join(schemas, name, file), 'utf8').replaceAll('\r\n', '\n');
  const input: Schema = JSON.parse(read('schema.avsc'));
  const output: Schema = JSON.parse(read('output.avsc'));
  return [
    '// Generated from schema.avsc, output.avsc and quality.dqdl of this folder. Change those, then: npm run generate',
    "import type { Schema } from 'avsc';",
    '',
    `export interface In ${typeText(parseSchema(input, `${name}/schema.avsc`), '')}`,
    '',
    `export interface Out ${typeText(parseSchema(output, `${name}/output.avsc`), '')}`,
    '',
    `export const schema: Schema = ${JSON.stringify(input, null, 2)};`,
    '',
    `export const output: Schema = ${JSON.stringify(output, null, 2)};`,
    '',
    `export const quality = ${quoteLines(read('quality.dqdl'))};`,
    '',
  ].join('\n');
}

function quoteLines(text: string): string {
  return text
    .split(/(?<=\n)/)
    .map((line) => `\n  ${JSON.stringify(line)}`)
    .join(' +');
}

/** A canonical value's TypeScript type; see schemas/scalar-rules.ts for the canonical forms. */
function typeText(type: AvroType, indent: string): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean';
    case 'string':
    case 'date':
    case 'uuid':
    case 'decimal':
      return 'string';
    case 'bytes':
    case 'fixed':
      return 'Buffer';
    case 'nullable':
      return `${typeText(type.of, indent)} | null`;
    case 'enum':
      return type.symbols.map((symbol) => JSON.stringify(symbol)).join(' | ');
    case 'array':
      return `(${typeText(type.items, indent)})[]`;
    case 'map':
      return `Record<string, ${typeText(type.values, indent)}>`;
    case 'record': {
      const inner = `${indent}  `;
      const fields = type.fields.map((field) => {
        const comment = field.doc ? `${inner}/** ${field.doc.replaceAll('*/', '*\\/')} */\n` : '';
        return `${comment}${inner}${JSON.stringify(field.name)}: ${typeText(field.type, inner)};`;
      });
      return `{\n${fields.join('\n')}\n${indent}}`;
    }
    default:
      return 'number';
  }
}

function main(isCheck: boolean): void {
  for (const name of datasetFolders()) {
    const file = path.join(SCHEMAS, name, `${name}.gen.ts`);
    const wanted = generate(name);
    if (existsSync(file) && readFileSync(file, 'utf8') === wanted) continue;
    if (isCheck) {
      console.error(`schemas/${name}/${name}.gen.ts is stale: run ${MEND}`);
      process.exitCode = 1;
    } else {
      writeFileSync(file, wanted);
      console.log(`wrote schemas/${name}/${name}.gen.ts`);
    }
  }
}

if (process.argv[1] === import.meta.filename) main(process.argv.includes('--check'));
