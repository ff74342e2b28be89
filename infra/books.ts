/** What the functions that work on the books as a whole are given, reconciliation and redrive. */
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Settings } from './settings.ts';
import type { StateTable } from './state-table.ts';

export interface BooksProps {
  readonly settings: Settings;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly stateTable: StateTable;
  readonly archive: IBucket;
  readonly processed: IBucket;
  readonly lakeKey: IKey;
  readonly stream: IStream;
  /** Tables whose objects lie below `<table>/` in the processed bucket. */
  readonly tables: readonly string[];
}

export function booksEnvironment(props: BooksProps): Readonly<Record<string, string>> {
  return {
    STATE_TABLE: props.stateTable.tableName,
    ARCHIVE_BUCKET: props.archive.bucketName,
    PROCESSED_BUCKET: props.processed.bucketName,
    STREAM_NAME: props.stream.streamName,
  };
}
