/** Pages of a list whose token is the position to go on from. */
import { AwsError } from '../service.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Undefined on the last page. */
  readonly nextToken: string | undefined;
}

/** @throws AwsError `InvalidInputException` for a token that no page gave */
export function page<Item>(
  all: readonly Item[],
  input: { readonly MaxResults?: number | undefined; readonly NextToken?: string | undefined },
  itemsMax: number,
): Page<Item> {
  const token = input.NextToken === undefined || input.NextToken === '' ? '0' : input.NextToken;
  if (!/^\d{1,9}$/.test(token))
    throw new AwsError('InvalidInputException', `NextToken ${JSON.stringify(token)} is not one that a page gave.`);
  const from = Number(token);
  const to = from + Math.min(input.MaxResults ?? itemsMax, itemsMax);
  return { items: all.slice(from, to), nextToken: to < all.length ? String(to) : undefined };
}
