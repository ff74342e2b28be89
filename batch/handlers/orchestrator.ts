import { createOrchestratorPorts, readPipelinesSettings } from '../adapters/orchestrator-ports.ts';
import { createOrchestratorHandler } from '../pipelines/handler.ts';

export const handler = createOrchestratorHandler(readPipelinesSettings(), createOrchestratorPorts());
