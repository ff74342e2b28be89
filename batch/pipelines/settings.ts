export interface PipelinesSettings {
  /** Names of all datasets. */
  readonly datasets: ReadonlySet<string>;
  /** One of them: that of records which name none. */
  readonly defaultDataset: string;
  /** The one bucket whose objects can be run. */
  readonly rawBucket: string;
  /** Events a chunk, 1 to 10,000. */
  readonly chunkRecordsMax: number;
}
