import { createIngestionPorts, readIngestionSettings } from '../adapters/ingestion-ports.ts';
import { createIngestionHandler } from '../ingestion/handler.ts';

const settings = readIngestionSettings();

export const handler = createIngestionHandler(settings, createIngestionPorts(settings));
