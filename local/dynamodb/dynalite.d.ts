/**
 * Types of the parts of dynalite that are used here: it checks requests, parses expressions and tells how numbers sort. It
 * ships without types.
 */
declare module 'dynalite/validations/index.js' {
  interface Validation<Request> {
    readonly types: object;
    readonly custom?: (request: Request, store: object) => string | undefined;
  }
  const validations: {
    /** Gives the members that AWS knows; throws `{statusCode, body}`. Changes its input. */
    checkTypes<Request>(input: object, types: Validation<Request>['types']): Request;
    /** Normalises numbers and parses expressions in place; throws `{statusCode, body}`. */
    checkValidations<Request>(
      request: Request,
      types: Validation<Request>['types'],
      custom: Validation<Request>['custom'],
      store: { readonly options: { readonly maxItemSize: number } },
    ): void;
  };
  export default validations;
  export type { Validation };
}

declare module 'dynalite/validations/batchGetItem.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').BatchGetItemRequest>;
  export default validation;
}
declare module 'dynalite/validations/batchWriteItem.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').BatchWriteItemRequest>;
  export default validation;
}
declare module 'dynalite/validations/createTable.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').CreateTableRequest>;
  export default validation;
}
declare module 'dynalite/validations/deleteItem.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').DeleteItemRequest>;
  export default validation;
}
declare module 'dynalite/validations/getItem.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').GetItemRequest>;
  export default validation;
}
declare module 'dynalite/validations/putItem.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').PutItemRequest>;
  export default validation;
}
declare module 'dynalite/validations/query.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').QueryRequest>;
  export default validation;
}
declare module 'dynalite/validations/scan.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').ScanRequest>;
  export default validation;
}
declare module 'dynalite/validations/updateItem.js' {
  const validation: import('dynalite/validations/index.js').Validation<import('./requests.ts').UpdateItemRequest>;
  export default validation;
}

declare module 'dynalite/db/index.js' {
  type Item = import('./attribute-value.ts').Item;
  type Path = import('./requests.ts').Path;
  type Updates = import('./requests.ts').Updates;
  type Keyed = import('./requests.ts').CreateTableRequest;
  /** What is wrong, as a `{statusCode, body}`; nothing when nothing is. */
  type Fault = Error | null | undefined;
  const db: {
    validateKey(key: Item, table: Keyed): Fault;
    validateItem(item: Item, table: Keyed): Fault;
    validateUpdates(legacy: undefined, updates: Updates | undefined, table: Keyed): Fault;
    validateKeyPaths(nestedPaths: Readonly<Record<string, boolean>> | undefined, table: Keyed): Fault;
    /** A text for a number, so that texts sort as their numbers do. */
    toLexiStr(number: string, type: 'N'): string;
    mapPaths(paths: readonly Path[], item: Item): Item;
  };
  export default db;
}
