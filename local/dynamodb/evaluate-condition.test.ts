import { expect, it } from '@jest/globals';
import putItem from 'dynalite/validations/putItem.js';
import type { Item } from './attribute-value.ts';
import { checkRequest } from './check-request.ts';
import { evaluateCondition } from './evaluate-condition.ts';

const ITEM: Item = {
  n: { N: '10' },
  word: { S: 'Straße' },
  blank: { S: '' },
  off: { BOOL: false },
  bytes: { B: 'AAEC' },
  tags: { SS: ['a', 'b'] },
  l: { L: [{ S: 'x' }, { M: { a: { N: '1' } } }] },
  m: { M: { a: { N: '1' }, b: { L: [] } } },
};

const VALUES: Item = {
  ':n9': { N: '9' },
  ':n10': { N: '10.0' },
  ':n11': { N: '11' },
  ':str': { S: 'Stra' },
  ':zero': { N: '0' },
  ':nothing': { S: '' },
  ':false': { BOOL: false },
  ':b': { B: 'AAE=' },
  ':tags': { SS: ['b', 'a'] },
  ':a': { S: 'a' },
  ':type': { S: 'BOOL' },
  ':m': { M: { b: { L: [] }, a: { N: '1' } } },
  ':inner': { M: { a: { N: '1' } } },
  ':l': { L: [{ M: { a: { N: '1' } } }, { S: 'x' }] },
};

function holds(ConditionExpression: string): boolean {
  const used = Object.entries(VALUES).filter(([name]) => new RegExp(`${name}\\b`).test(ConditionExpression));
  const input = {
    TableName: 'books',
    Item: { pk: { S: 'a' } },
    ConditionExpression,
    ...(used.length > 0 && { ExpressionAttributeValues: Object.fromEntries(used) }),
  };
  const condition = checkRequest(putItem, structuredClone(input))._condition;
  if (!condition) throw new Error('off condition');
  return evaluateCondition(condition.expression, ITEM);
}

it.each([
  'n = :n10',
  'n > :n9 AND n < :n11',
  'n BETWEEN :n9 AND :n10',
  'n IN (:n9, :n10)',
  'NOT n = :n9',
  'n <> :n9',
  'nowhere <> :n9',
  'off = :false',
  'off IN (:false)',
  'attribute_type(off, :type)',
  'blank = :nothing',
  'attribute_exists(m.a)',
  'attribute_not_exists(m.z)',
  'attribute_not_exists(toString)',
  'begins_with(word, :str)',
  'contains(word, :str)',
  'begins_with(bytes, :b)',
  'contains(tags, :a)',
  'contains(l, :inner)',
  'tags = :tags',
  'm = :m',
  'size(tags) < :n9',
  'size(nowhere) < :n9 OR n = :n10',
  'n = :n10 OR n = :n9 AND n = :n11',
])('%s holds', (expression) => {
  expect(holds(expression)).toBe(true);
});

it.each([
  'n = :a',
  'n < :a',
  'nowhere = :n9',
  'nowhere < :n9',
  'nowhere = elsewhere',
  'nowhere <= elsewhere',
  'NOT attribute_exists(n)',
  'l = :l',
  'm = :inner',
  'contains(tags, :str)',
  'begins_with(n, :a)',
  'word BETWEEN :n9 AND :n11',
  '(n = :n10 OR n = :n9) AND n = :n11',
])('%s does not hold', (expression) => {
  expect(holds(expression)).toBe(false);
});
