import { describe, expect, it } from '@jest/globals';
import updateItem from 'dynalite/validations/updateItem.js';
import { applyUpdate } from './apply-update.ts';
import type { Item } from './attribute-value.ts';
import { checkRequest } from './check-request.ts';

const list = (...numbers: readonly number[]) => ({ L: numbers.map((number) => ({ N: String(number) })) });

function updated(item: Item, UpdateExpression: string, ExpressionAttributeValues?: Item): Item {
  const input = { TableName: 'books', Key: { pk: { S: 'a' } }, UpdateExpression, ExpressionAttributeValues };
  return applyUpdate(checkRequest(updateItem, input)._updates?.sections ?? [], item);
}

describe('an update', () => {
  it('means positions in a list as they were before it', () => {
    const item = { l: list(0, 1, 2, 3) };

    expect(updated(item, 'REMOVE l[0], l[1]')).toEqual({ l: list(2, 3) });
    expect(updated(item, 'REMOVE l[0] SET l[1] = :nine', { ':nine': { N: '9' } })).toEqual({ l: list(9, 2, 3) });
    expect(updated(item, 'REMOVE l[10]')).toEqual(item);
  });

  it('appends beyond the end of a list in the order of the positions', () => {
    const values = { ':x': { N: '8' }, ':y': { N: '9' } };

    expect(updated({ l: list(1) }, 'SET l[20] = :y, l[5] = :x', values)).toEqual({ l: list(1, 8, 9) });
  });

  it('reads every operand before it writes', () => {
    const values = { ':one': { N: '1' } };

    expect(updated({ a: { N: '1' }, b: { N: '2' } }, 'SET a = b, b = a')).toEqual({ a: { N: '2' }, b: { N: '1' } });
    expect(updated({ now: { M: { n: { N: '1' } } } }, 'SET earlier = now, now.n = now.n + :one', values)).toEqual({
      earlier: { M: { n: { N: '1' } } },
      now: { M: { n: { N: '2' } } },
    });
  });

  it('leaves the item that it was given', () => {
    const item = { m: { M: { l: list(1) } } };

    updated(item, 'SET m.l[0] = :x, m.n = :x', { ':x': { N: '2' } });

    expect(item).toEqual({ m: { M: { l: list(1) } } });
  });

  it('adds to sets and numbers, and removes a set with its last element', () => {
    const values = { ':s': { SS: ['b', 'c'] }, ':n': { N: '-0.1' } };

    expect(updated({ s: { SS: ['a', 'b'] } }, 'ADD s :s, n :n', values)).toEqual({
      s: { SS: ['a', 'b', 'c'] },
      n: { N: '-0.1' },
    });
    expect(updated({ s: { SS: ['b'] } }, 'DELETE s :s', { ':s': { SS: ['b'] } })).toEqual({});
  });

  it('appends lists, to one that may be missing', () => {
    const expression = 'SET l = list_append(if_not_exists(l, :none), :more)';
    const values = { ':none': { L: [] }, ':more': list(3) };

    expect(updated({}, expression, values)).toEqual({ l: list(3) });
    expect(updated({ l: list(1, 2) }, expression, values)).toEqual({ l: list(1, 2, 3) });
  });
});
