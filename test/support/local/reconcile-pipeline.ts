/** Asks the Reconcile function of a pipeline to compare all that there is, as anyone may who can invoke it. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { isRecord } from '../../../schemas/describe.ts';
import type { BooksTarget } from './check-books.ts';

/** Of a finding: `batch/reconcile/report.ts` */
export interface TestedFinding {
  readonly kind: string;
  readonly message: string;
  readonly recordIds: readonly string[];
  readonly shardId: string | undefined;
  readonly after: string | undefined;
  readonly to: string | undefined;
}

export interface Reconciled {
  readonly residual: number;
  readonly duplicatesAtRest: number;
  /** Kinesis records on the tape, of all shards. */
  readonly tapeRecords: number;
  readonly findings: readonly TestedFinding[];
}

const FUNCTION = 'ServerlessDataPipeline-ReconcileFunction';

/** Without a grace: for a pipeline at rest. @throws Error with what the function answered when it failed */
export async function reconcilePipeline({ endpoint, region }: BooksTarget): Promise<Reconciled> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new LambdaClient({ endpoint, region, credentials });
  try {
    const { Payload, FunctionError } = await client.send(new InvokeCommand({ FunctionName: FUNCTION, Payload: '{}' }));
    const text = Payload?.transformToString() ?? '';
    if (FunctionError !== undefined) throw new Error(`the Reconcile function failed: ${text}`);
    return readReport(JSON.parse(text));
  } finally {
    client.destroy();
  }
}

function readReport(report: unknown): Reconciled {
  if (!isRecord(report) || !Array.isArray(report.shards) || !Array.isArray(report.findings)) {
    throw new Error(`the Reconcile function answered ${JSON.stringify(report)}`);
  }
  return {
    residual: Number(report.residual),
    duplicatesAtRest: Number(report.duplicatesAtRest),
    tapeRecords: report.shards.reduce((sum: number, shard: unknown) => sum + Number(Object(shard).tapeRecords), 0),
    findings: report.findings.map(readFinding),
  };
}

function readFinding(finding: unknown): TestedFinding {
  const { kind, message, recordIds, shardId, after, to } = isRecord(finding) ? finding : {};
  if (typeof kind !== 'string' || typeof message !== 'string' || !Array.isArray(recordIds)) {
    throw new Error(`the Reconcile function answered the finding ${JSON.stringify(finding)}`);
  }
  const place = { shardId: textOf(shardId), after: textOf(after), to: textOf(to) };
  return { kind, message, recordIds: recordIds.map(String), ...place };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
