/**
 * The Lambda handlers: name of the bundle folder, and entry file from the root of the repository. The one place that
 * lists them: `npm run build` bundles these, and the app deploys them. By path only, so infra/ imports no runtime code.
 */

export const HANDLERS = {
  realtime: 'processors/handlers/realtime.ts',
  catalog: 'processors/handlers/catalog.ts',
  tape: 'processors/handlers/tape.ts',
  ledger: 'batch/handlers/ledger.ts',
  reconcile: 'batch/handlers/reconcile.ts',
  redrive: 'batch/handlers/redrive.ts',
  ingestion: 'batch/handlers/ingestion.ts',
  orchestrator: 'batch/handlers/orchestrator.ts',
} as const;

export type HandlerName = keyof typeof HANDLERS;

/** Folder with a bundle folder for each handler, from the root of the repository. */
export const BUNDLES = 'build/lambda';

/** The bundle's one file, and the function that it exports. */
export const BUNDLE_FILE = 'index.cjs';
export const BUNDLE_HANDLER = 'index.handler';
