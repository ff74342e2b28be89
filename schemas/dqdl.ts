/**
 * Parser for the row-level rules of DQDL that the pipeline scores. The rest of the language is refused by name, so that
 * a ruleset says the same here as in AWS Glue Data Quality. Source: AWS Glue guide, "DQDL reference".
 */

export type Literal = number | string | Keyword;

/** Words that stand for a kind of value, without quotes. */
export interface Keyword {
  readonly keyword: 'NULL' | 'EMPTY' | 'WHITESPACES_ONLY';
}

export type Comparison = '=' | '!=' | '>' | '>=' | '<' | '<=';

export type Condition =
  | { readonly operator: Comparison; readonly value: Literal }
  | { readonly operator: 'between' | 'not between'; readonly low: number; readonly high: number }
  | { readonly operator: 'in' | 'not in'; readonly values: readonly Literal[] }
  | { readonly operator: 'matches' | 'not matches'; readonly pattern: string };

export interface Rule {
  readonly kind: 'IsComplete' | 'ColumnValues' | 'ColumnLength';
  readonly column: string;
  /** `undefined` for `IsComplete` only. */
  readonly condition: Condition | undefined;
  /** The rule as written, white space made single. */
  readonly text: string;
}

export const SUPPORTED_RULES =
  'IsComplete "column"; ColumnValues "column" with =, !=, >, >=, <, <=, [not] between, [not] in, [not] matches; ColumnLength "column" with =, !=, >, >=, <, <=, [not] between';

const KEYWORDS: ReadonlySet<string> = new Set(['NULL', 'EMPTY', 'WHITESPACES_ONLY']);
const COMPARISONS: ReadonlySet<string> = new Set(['=', '!=', '>', '>=', '<', '<=']);
const RULE_KINDS: ReadonlySet<string> = new Set(['IsComplete', 'ColumnValues', 'ColumnLength']);
/** White space and comments; text in double quotes; numbers; words; operators and punctuation. */
const TOKEN =
  /(?:\s|#[^\n]*)*(?:("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_]\w*)|(!=|>=|<=|[=<>[\](),-]))/y;

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign' | 'end';
  readonly source: string;
}

/**
 * @param ruleset `Rules = [ … ]`
 * @throws TypeError naming the rule, what is wrong and what is supported
 */
export function parseDqdl(ruleset: string): readonly Rule[] {
  const reader = new Reader(tokensOf(ruleset));
  reader.expect('Rules');
  reader.expect('=');
  reader.expect('[');
  const rules: Rule[] = [];
  while (!reader.accept(']')) {
    if (rules.length > 0) {
      reader.expect(',');
      if (reader.accept(']')) break;
    }
    rules.push(parseRule(reader));
  }
  reader.expectEnd();
  return rules;
}

function tokensOf(ruleset: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; ; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(ruleset);
    if (!match) {
      const rest = ruleset.slice(at).replace(/^(?:\s|#[^\n]*)*/, '');
      if (rest === '') return [...tokens, { kind: 'end', source: 'the end' }];
      throw new TypeError(`ruleset: received ${JSON.stringify(rest.slice(0, 40))}, supported: ${SUPPORTED_RULES}`);
    }
    const [, text, number, word, sign] = match;
    if (text !== undefined) tokens.push({ kind: 'text', source: text });
    else if (number !== undefined) tokens.push({ kind: 'number', source: number });
    else if (word !== undefined) tokens.push({ kind: 'word', source: word });
    else if (sign !== undefined) tokens.push({ kind: 'sign', source: sign });
  }
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #ruleStart = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', source: 'the end' };
  }

  next(): Token {
    const token = this.peek;
    this.#at += 1;
    return token;
  }

  startRule(): void {
    this.#ruleStart = this.#at;
  }

  /** The rule so far, as written. */
  ruleText(): string {
    const sources = this.#tokens.slice(this.#ruleStart, this.#at).map(({ source }) => source);
    return sources.join(' ').replaceAll('[ ', '[').replaceAll(' ]', ']').replaceAll(' ,', ',');
  }

  accept(source: string): boolean {
    const token = this.peek;
    if (token.kind === 'text' || token.source !== source) return false;
    this.#at += 1;
    return true;
  }

  expect(source: string): void {
    if (!this.accept(source)) this.refuse(`received ${this.peek.source} where ${source} belongs`);
  }

  expectEnd(): void {
    if (this.peek.kind !== 'end') this.refuse(`received ${this.peek.source} after the rules`);
  }

  refuse(wrong: string): never {
    const rule = this.#ruleStart > 0 ? ` rule ${JSON.stringify(this.ruleText())}:` : '';
    throw new TypeError(`ruleset:${rule} ${wrong}; supported: ${SUPPORTED_RULES}`);
  }
}

function parseRule(reader: Reader): Rule {
  reader.startRule();
  const kind = reader.next().source;
  if (!isRuleKind(kind)) return reader.refuse(`received ${kind}, which is not a row-level rule known here`);
  const column = parseText(reader, 'a column name in quotes');
  const condition = kind === 'IsComplete' ? undefined : parseCondition(reader);
  if (kind === 'ColumnLength' && condition && !isLengthCondition(condition))
    reader.refuse('a length is compared with numbers');
  const text = reader.ruleText();
  const after = reader.peek.source;
  if (after !== ',' && after !== ']')
    reader.refuse(`received ${after} after the rule (where, with, and, or are not kept)`);
  return { kind, column, condition, text };
}

function isRuleKind(word: string): word is Rule['kind'] {
  return RULE_KINDS.has(word);
}

function isLengthCondition(condition: Condition): boolean {
  if ('low' in condition) return true;
  return 'value' in condition && typeof condition.value === 'number';
}

function parseCondition(reader: Reader): Condition {
  const { kind, source } = reader.next();
  if (kind === 'sign' && isComparison(source)) return { operator: source, value: parseLiteral(reader) };
  const negated = source === 'not';
  const word = negated ? reader.next().source : source;
  switch (word) {
    case 'between': {
      const low = parseNumber(reader);
      reader.expect('and');
      return { operator: negated ? 'not between' : 'between', low, high: parseNumber(reader) };
    }
    case 'in':
      return { operator: negated ? 'not in' : 'in', values: parseList(reader) };
    case 'matches':
      return { operator: negated ? 'not matches' : 'matches', pattern: parseText(reader, 'a pattern in quotes') };
    default:
      return reader.refuse(`received ${word} where a condition belongs`);
  }
}

function isComparison(sign: string): sign is Comparison {
  return COMPARISONS.has(sign);
}

function parseList(reader: Reader): readonly Literal[] {
  reader.expect('[');
  const values = [parseLiteral(reader)];
  while (!reader.accept(']')) {
    reader.expect(',');
    values.push(parseLiteral(reader));
  }
  return values;
}

function parseLiteral(reader: Reader): Literal {
  const { kind, source } = reader.peek;
  if (kind === 'number') return parseNumber(reader);
  if (kind === 'text') return parseText(reader, 'a text');
  if (!isKeyword(source))
    return reader.refuse(
      `received ${source} where a number, a text in quotes, NULL, EMPTY or WHITESPACES_ONLY belongs`,
    );
  reader.next();
  return { keyword: source };
}

function isKeyword(word: string): word is Keyword['keyword'] {
  return KEYWORDS.has(word);
}

function parseNumber(reader: Reader): number {
  const { kind, source } = reader.next();
  return kind === 'number' ? Number(source) : reader.refuse(`received ${source} where a number belongs`);
}

/** Text in double quotes; a backslash keeps its meaning for patterns, and only `\"` is a quote. */
function parseText(reader: Reader, what: string): string {
  const { kind, source } = reader.next();
  return kind === 'text'
    ? source.slice(1, -1).replaceAll('\\"', '"')
    : reader.refuse(`received ${source} where ${what} belongs`);
}
