/**
 * A document as a row of a Glue table, compiled once per table. A document that already is what its row would be keeps
 * its text; any other is normalised, or named with what does not fit.
 */
import { parseHiveType } from '../glue/hive-type.ts';
import type { CatalogColumn } from '../ports.ts';
import {
  byLowerCaseName,
  type ColumnConverter,
  columnConverter,
  isObject,
  Misfit,
  NEEDS_EXACT,
} from './column-converter.ts';
import { parseExactJson } from './exact-json.ts';

export interface ConversionFailure {
  /** As Firehose names it (https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html). */
  readonly code: 'DataFormatConversion.MalformedData' | 'DataFormatConversion.ParseError';
  readonly message: string;
}

export interface RowConverter {
  /** True when the document's own text can be written. */
  readonly conforms: (document: unknown) => boolean;
  /** The row as JSON text on one line, or why there is none. */
  readonly convert: (document: unknown, text: string) => string | ConversionFailure;
}

/** @throws Error naming a column whose type is not supported */
export function rowConverter(columns: readonly CatalogColumn[]): RowConverter {
  const names = columns.map((column) => column.name.toLowerCase());
  const converters = columns.map(compileColumn);
  const indexOf = new Map(names.map((name, index) => [name, index]));

  function conforms(document: unknown): boolean {
    if (!isObject(document)) return false;
    const keys = Object.keys(document);
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] ?? '';
      // Producers write columns in the table's order: the look-up is for those that do not.
      const index = names[at] === key ? at : indexOf.get(key);
      if (index === undefined || !converters[index]?.conforms(document[key])) return false;
    }
    return true;
  }

  function row(document: object, exact: boolean): Record<string, unknown> | Misfit | typeof NEEDS_EXACT {
    const members = byLowerCaseName(document);
    const converted: Record<string, unknown> = Object.create(null);
    for (const [index, name] of names.entries()) {
      const value = members.get(name);
      if (value === undefined || value === null) continue;
      const next = converters[index]?.convert(value, exact);
      if (next === NEEDS_EXACT) return NEEDS_EXACT;
      if (next instanceof Misfit) return next.at(name);
      converted[name] = next;
    }
    return converted;
  }

  return {
    conforms,
    convert(document, text) {
      if (!isObject(document)) return malformed(`a JSON object is needed; received ${text.slice(0, 80)}`);
      let converted = row(document, false);
      if (converted === NEEDS_EXACT) {
        const exact = parseExactJson(text);
        converted = isObject(exact) ? row(exact, true) : converted;
      }
      if (converted instanceof Misfit)
        return malformed(`${converted.path}: expected ${converted.expected}; received ${converted.received}`);
      return JSON.stringify(converted);
    },
  };
}

function malformed(message: string): ConversionFailure {
  return { code: 'DataFormatConversion.MalformedData', message };
}

function compileColumn(column: CatalogColumn): ColumnConverter {
  try {
    return columnConverter(parseHiveType(column.type));
  } catch (error) {
    throw new Error(`column ${column.name} (${column.type}): ${Error.isError(error) ? error.message : String(error)}`);
  }
}
