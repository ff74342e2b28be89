import { describe, expect, it } from '@jest/globals';
import { parseSchema } from './avro-type.ts';
import { compileQuality, PERFECT } from './quality.ts';

const output = parseSchema({
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'n', type: ['null', 'double'] },
    { name: 's', type: ['null', 'string'] },
    { name: 'b', type: ['null', 'boolean'] },
  ],
});

const row = (values: object) => ({ n: null, s: null, b: null, ...values });
const passes = (rule: string, values: object) => compileQuality(`Rules = [ ${rule} ]`, output)(row(values)).score === 1;

describe('compileQuality', () => {
  it.each([
    // rule, values that pass, values that fail
    ['IsComplete "s"', [{ s: '' }, { s: 'a' }], [{ s: null }]],
    ['IsComplete "b"', [{ b: false }], [{ b: null }]],
    ['ColumnValues "n" = 5', [{ n: 5 }], [{ n: 4 }, { n: null }]],
    ['ColumnValues "n" != 5', [{ n: 4 }, { n: null }], [{ n: 5 }]],
    ['ColumnValues "n" > -1.5', [{ n: 0 }], [{ n: -1.5 }, { n: null }]],
    ['ColumnValues "n" >= 0', [{ n: 0 }], [{ n: -1 }, { n: null }]],
    ['ColumnValues "n" < 0', [{ n: -1 }], [{ n: 0 }, { n: null }]],
    ['ColumnValues "n" <= 0', [{ n: 0 }], [{ n: 1 }, { n: null }]],
    ['ColumnValues "n" between 1 and 3', [{ n: 2 }], [{ n: 1 }, { n: 3 }, { n: null }]],
    ['ColumnValues "n" not between 1 and 3', [{ n: 1 }, { n: 3 }, { n: 9 }], [{ n: 2 }, { n: null }]],
    ['ColumnValues "n" in [1, 2]', [{ n: 1 }], [{ n: 3 }, { n: null }]],
    ['ColumnValues "n" in [1, NULL]', [{ n: 1 }, { n: null }], [{ n: 3 }]],
    ['ColumnValues "n" not in [1, 2]', [{ n: 3 }, { n: null }], [{ n: 1 }]],
    ['ColumnValues "n" not in [1, NULL]', [{ n: 3 }], [{ n: 1 }, { n: null }]],
    ['ColumnValues "n" = NULL', [{ n: null }], [{ n: 0 }]],
    ['ColumnValues "n" != NULL', [{ n: 0 }], [{ n: null }]],
    ['ColumnValues "s" = "a"', [{ s: 'a' }], [{ s: 'A' }, { s: null }]],
    ['ColumnValues "s" != EMPTY', [{ s: 'a' }, { s: ' ' }, { s: null }], [{ s: '' }]],
    ['ColumnValues "s" not in [NULL, EMPTY, WHITESPACES_ONLY]', [{ s: 'a' }], [{ s: '' }, { s: ' \t' }, { s: null }]],
    ['ColumnValues "s" matches "^[A-Z]{3}$"', [{ s: 'LAX' }], [{ s: 'LAXX' }, { s: 'lax' }, { s: null }]],
    ['ColumnValues "s" matches "^\\d+\\"$"', [{ s: '12"' }], [{ s: '12' }]],
    ['ColumnValues "s" not matches "^x$"', [{ s: 'y' }], [{ s: 'x' }, { s: null }]],
    ['ColumnLength "s" = 0', [{ s: '' }, { s: null }], [{ s: 'a' }]],
    ['ColumnLength "s" > 1', [{ s: 'ab' }, { s: 'abc' }], [{ s: '😀' }, { s: null }]],
    ['ColumnLength "s" >= 2', [{ s: '😀😀' }], [{ s: '😀' }]],
    ['ColumnLength "s" <= 1', [{ s: '😀' }, { s: null }], [{ s: 'ab' }]],
    ['ColumnLength "s" < 1', [{ s: '' }, { s: null }], [{ s: '😀' }]],
    ['ColumnLength "s" != 3', [{ s: 'ab' }], [{ s: 'abc' }]],
    ['ColumnLength "s" between 1 and 3', [{ s: 'ab' }], [{ s: 'a' }, { s: null }]],
  ])('%s', (rule, passing, failing) => {
    for (const values of passing) expect([values, passes(rule, values)]).toEqual([values, true]);
    for (const values of failing) expect([values, passes(rule, values)]).toEqual([values, false]);
  });

  it('scores the share of rules that pass, and names the others as written', () => {
    const score = compileQuality(
      'Rules = [\n IsComplete "s", # text\n ColumnValues "n"   in [ 1,2 ],\n IsComplete "b",\n]',
      output,
    );

    expect(score(row({ s: 'a' }))).toEqual({
      score: 1 / 3,
      failedRules: ['ColumnValues "n" in [1, 2]', 'IsComplete "b"'],
    });
  });

  it('shares one frozen result among all rows that pass', () => {
    const score = compileQuality('Rules = [ IsComplete "s" ]', output);

    expect(score(row({ s: 'a' }))).toBe(PERFECT);
    expect(score(row({ s: 'b' }))).toBe(PERFECT);
    expect(Object.isFrozen(PERFECT.failedRules)).toBe(true);
  });

  it('scores 1 without rules', () => {
    expect(compileQuality('Rules = []', output)({})).toBe(PERFECT);
  });

  it.each([
    ['RowCount > 0', /received RowCount, which is not a row-level rule/],
    ['IsUnique "s"', /IsUnique/],
    ['Completeness "s" > 0.9', /Completeness/],
    ['CustomSql "select 1"', /CustomSql/],
    ['(IsComplete "s") and (IsComplete "n")', /received \(/],
    ['IsComplete "s" where "n > 1"', /received where after the rule/],
    ['ColumnValues "n" > 1 with threshold > 0.9', /received with after the rule/],
    ['ColumnValues "n" > (now() - 3 days)', /received \( where a number/],
    ['ColumnValues "n" > "a"', /order of texts/],
    ['ColumnValues "n" = "a"', /number column compared with a text/],
    ['ColumnValues "s" > 1', /text column in a numeric condition/],
    ['ColumnValues "b" = "true"', /other column compared/],
    ['ColumnValues "n" = EMPTY', /EMPTY on a number column/],
    ['ColumnValues "s" matches "[A-Z]"', /one pattern from \^ to \$/],
    ['ColumnValues "s" matches "^a$|^b$"', /one pattern from \^ to \$/],
    ['ColumnValues "s" matches "^[$"', /a regular expression/],
    ['ColumnLength "n" = 1', /a number column has no length/],
    ['ColumnLength "s" = NULL', /a length is compared with numbers/],
    ['IsComplete "missing"', /received column missing, allowed: n, s, b/],
    ['IsComplete s', /received s where a column name/],
    ['ColumnValues "n"', /received \] where a condition belongs/],
    ['ColumnValues "n" in []', /received \]/],
    ['IsComplete "s" IsComplete "n"', /after the rule/],
    ['iscomplete "s"', /received iscomplete/],
    ['IsComplete "s" ; ', /received ";/],
  ])('refuses %s, naming what is supported', (rule, message) => {
    expect(() => compileQuality(`Rules = [ ${rule} ]`, output, 'sea/quality.dqdl')).toThrow(message);
    expect(() => compileQuality(`Rules = [ ${rule} ]`, output, 'sea/quality.dqdl')).toThrow(
      /^sea\/quality\.dqdl: .*(supported|allowed): /s,
    );
  });

  it.each(['', 'Rules', 'Rules = [', 'Rules = [ IsComplete "s" ] Analyzers = []', 'Rules = [ IsComplete "s'])(
    'refuses the ruleset %p',
    (ruleset) => {
      expect(() => compileQuality(ruleset, output)).toThrow(TypeError);
    },
  );

  it('is not opened by texts that look like code', () => {
    const text = '"]) || globalThis.broken || (["';

    expect(passes(`ColumnValues "s" = "${text.replaceAll('"', '\\"')}"`, { s: text })).toBe(true);
    expect(passes(`ColumnValues "s" = "${text.replaceAll('"', '\\"')}"`, { s: 'a' })).toBe(false);
  });
});
