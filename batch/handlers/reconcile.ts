import { createReconcilePorts, readReconcileSettings } from '../adapters/reconcile-ports.ts';
import { createReconcileHandler } from '../reconcile/handler.ts';

export const handler = createReconcileHandler(readReconcileSettings(), createReconcilePorts());
