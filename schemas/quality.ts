/**
 * Row-level quality: a DQDL ruleset compiled, against the output schema, to a function that scores one output record.
 * The score is the share of rules that passed. Scoring a record that passes every rule allocates nothing.
 *
 * Nulls, as Glue treats them: IsComplete fails; ColumnValues fails, except `!=` and `not in`, which pass unless NULL is
 * named; ColumnLength counts 0. `between` excludes both ends and `not between` includes them.
 */
import type { AvroType } from './avro-type.ts';
import type { QualityScore } from './dataset.ts';
import { type Condition, type Keyword, type Literal, parseDqdl, type Rule } from './dqdl.ts';

/** The score of a record that passed every rule, shared by all of them. */
export const PERFECT: QualityScore = Object.freeze({ score: 1, failedRules: Object.freeze([]) });

type Family = 'number' | 'text' | 'other';

const FAMILIES: ReadonlyMap<AvroType['kind'], Family> = new Map([
  ['int', 'number'],
  ['long', 'number'],
  ['float', 'number'],
  ['double', 'number'],
  ['string', 'text'],
  ['enum', 'text'],
  ['uuid', 'text'],
]);

/**
 * @param ruleset DQDL, row-level rules only
 * @param output the parsed output schema, a record
 * @param root what error messages call the ruleset
 * @throws TypeError naming the rule, what is wrong and what is supported
 */
export function compileQuality(ruleset: string, output: AvroType, root = 'quality'): (row: unknown) => QualityScore {
  try {
    return compile(parseDqdl(ruleset), output);
  } catch (error) {
    if (error instanceof TypeError) throw new TypeError(`${root}: ${error.message}`, { cause: error });
    throw error;
  }
}

function compile(rules: readonly Rule[], output: AvroType): (row: unknown) => QualityScore {
  const patterns: RegExp[] = [];
  const texts = rules.map(({ text }) => text);
  const tests = rules.map((rule, index) => {
    const family = familyOf(rule, output);
    return `{ const v = r[${JSON.stringify(rule.column)}]; if (!(${testOf(rule, family, patterns)})) (failed ??= []).push(${index}); }`;
  });
  // Made of the ruleset, at start, never of a record; texts reach the source through JSON.stringify only.
  const source = `return function failedOf(r) {\nlet failed;\n${tests.join('\n')}\nreturn failed;\n};`;
  const failedOf: (row: unknown) => readonly number[] | undefined = new Function('patterns', 'lengthOf', source)(
    patterns,
    lengthOf,
  );
  return (row) => {
    const failed = failedOf(row);
    if (failed === undefined) return PERFECT;
    return {
      score: (rules.length - failed.length) / rules.length,
      failedRules: failed.map((index) => texts[index] ?? ''),
    };
  };
}

function familyOf(rule: Rule, output: AvroType): Family {
  const fields = output.kind === 'record' ? output.fields : [];
  const field = fields.find(({ name }) => name === rule.column);
  if (!field) {
    throw new TypeError(
      `rule ${JSON.stringify(rule.text)}: received column ${rule.column}, allowed: ${fields.map(({ name }) => name).join(', ')}`,
    );
  }
  const type = field.type.kind === 'nullable' ? field.type.of : field.type;
  return FAMILIES.get(type.kind) ?? 'other';
}

/** Source text that is true for a value `v` that passes. */
function testOf(rule: Rule, family: Family, patterns: RegExp[]): string {
  if (rule.condition === undefined) return 'v != null';
  if (rule.kind === 'ColumnLength') {
    if (family !== 'text') refuse(rule, `a ${family} column has no length`, 'text columns');
    return `${settledByUnits(rule.condition)}${conditionOf(rule, rule.condition, 'lengthOf(v)', 'number', patterns)}`;
  }
  return conditionOf(rule, rule.condition, 'v', family, patterns);
}

/**
 * A cheap test that settles most lengths without counting: a text has at most as many characters as UTF-16 units, and at
 * least half as many.
 */
function settledByUnits(condition: Condition): string {
  if (!('value' in condition) || typeof condition.value !== 'number') return '';
  const { operator, value } = condition;
  if (operator === '>' || operator === '>=') return `(v != null && v.length ${operator} ${2 * value}) || `;
  if (operator === '<' || operator === '<=') return `(v != null && v.length ${operator} ${value}) || `;
  return '';
}

function refuse(rule: Rule, wrong: string, allowed: string): never {
  throw new TypeError(`rule ${JSON.stringify(rule.text)}: ${wrong}, allowed: ${allowed}`);
}

function conditionOf(rule: Rule, condition: Condition, value: string, family: Family, patterns: RegExp[]): string {
  switch (condition.operator) {
    case '=':
      return isOneOf(rule, [condition.value], value, family);
    case '!=':
      return `!(${isOneOf(rule, [condition.value], value, family)})`;
    case 'in':
      return isOneOf(rule, condition.values, value, family);
    case 'not in':
      return `!(${isOneOf(rule, condition.values, value, family)})`;
    case 'between':
      checkNumeric(rule, family);
      return `${value} != null && ${value} > ${condition.low} && ${value} < ${condition.high}`;
    case 'not between':
      checkNumeric(rule, family);
      return `${value} != null && (${value} <= ${condition.low} || ${value} >= ${condition.high})`;
    case 'matches':
      return `v != null && patterns[${patternOf(rule, condition.pattern, family, patterns)}].test(v)`;
    case 'not matches':
      return `v != null && !patterns[${patternOf(rule, condition.pattern, family, patterns)}].test(v)`;
    default:
      if (typeof condition.value !== 'number') refuse(rule, 'an order of texts', 'numbers after >, >=, < and <=');
      checkNumeric(rule, family);
      return `${value} != null && ${value} ${condition.operator} ${condition.value}`;
  }
}

function checkNumeric(rule: Rule, family: Family): void {
  if (family !== 'number')
    refuse(rule, `a ${family} column in a numeric condition`, 'columns of int, long, float, double');
}

function isOneOf(rule: Rule, literals: readonly Literal[], value: string, family: Family): string {
  return literals.map((literal) => equals(rule, literal, value, family)).join(' || ');
}

function equals(rule: Rule, literal: Literal, value: string, family: Family): string {
  if (typeof literal === 'object') return isKeyword(rule, literal, value, family);
  const wanted = typeof literal === 'number' ? 'number' : 'text';
  if (wanted !== family) refuse(rule, `a ${family} column compared with a ${wanted}`, `a ${family}, or NULL`);
  return `${value} === ${JSON.stringify(literal)}`;
}

function isKeyword(rule: Rule, { keyword }: Keyword, value: string, family: Family): string {
  if (keyword === 'NULL') return `${value} == null`;
  if (family !== 'text') refuse(rule, `${keyword} on a ${family} column`, 'text columns');
  return keyword === 'EMPTY' ? `${value} === ""` : `(${value} != null && ${value} !== "" && ${value}.trim() === "")`;
}

function patternOf(rule: Rule, pattern: string, family: Family, patterns: RegExp[]): number {
  if (family !== 'text') refuse(rule, `a ${family} column has no text`, 'text columns');
  // Sources differ on whether Glue matches a part or the whole: with anchors both readings are the same.
  if (!pattern.startsWith('^') || !/(?<!\\)\$$/.test(pattern) || /(?<!\\)\|/.test(pattern.replace(/\(.*\)/, ''))) {
    refuse(rule, `received pattern ${JSON.stringify(pattern)}`, 'one pattern from ^ to $');
  }
  try {
    return patterns.push(new RegExp(pattern, 'u')) - 1;
  } catch (error) {
    return refuse(rule, `received pattern ${JSON.stringify(pattern)} (${String(error)})`, 'a regular expression');
  }
}

/** Characters of a text, as Spark counts them: a surrogate pair is one. Null has 0. */
function lengthOf(text: unknown): number {
  if (typeof text !== 'string') return 0;
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    // Text that passed the output schema is well-formed: each high surrogate begins a pair.
    if ((text.charCodeAt(index) & 0xfc00) === 0xd800) length -= 1;
  }
  return length;
}
