import { GlueClient } from '@aws-sdk/client-glue';
import { required } from '../adapters/environment.ts';
import { createGluePartitions } from '../adapters/glue-partitions.ts';
import { writeLine } from '../adapters/write-line.ts';
import { createCatalogHandler } from '../catalog.ts';

export const handler = createCatalogHandler(required('PROCESSED_BUCKET'), {
  partitions: createGluePartitions(new GlueClient({}), required('DATABASE_NAME')),
  log: writeLine,
});
