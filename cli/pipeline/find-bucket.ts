import { ListBucketsCommand, type S3Client } from '@aws-sdk/client-s3';

/** Of the pipeline's buckets: their names end with account and region. */
export type BucketKind = 'raw' | 'processed' | 'archive';

export function bucketPrefix(kind: BucketKind): string {
  return `data-pipeline-${kind}-`;
}

/** The one bucket of the kind in the client's region. @throws Error when there is none, or more than one */
export async function findBucket(client: S3Client, kind: BucketKind): Promise<string> {
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  const region = await client.config.region();
  const prefix = bucketPrefix(kind);
  const found = Buckets.flatMap(({ Name = '' }) => (Name.startsWith(prefix) && Name.endsWith(region) ? [Name] : []));
  const [name] = found;
  if (name !== undefined && found.length === 1) return name;
  throw new Error(`${found.length} buckets begin with ${prefix} and end with ${region}: name one by --bucket`);
}
