/** The pipelines API over ports in memory: what it put, sent and logged can be looked at. */
import { createOrchestratorHandler } from '../../../batch/pipelines/handler.ts';
import {
  type KeyedRequest,
  KeyReused,
  type ObjectVersion,
  type PipelinesPorts,
} from '../../../batch/pipelines/ports.ts';
import { createRuns } from '../../../batch/runs/create-runs.ts';
import { isRecord } from '../../../schemas/describe.ts';
import type { Chunk } from '../../../streams/ingest/chunk.ts';
import { createMemoryStateTable } from '../processors/memory-state-table.ts';

export const SETTINGS = {
  datasets: new Set(['earthquakes', 'flights']),
  defaultDataset: 'earthquakes',
  rawBucket: 'raw',
  chunkRecordsMax: 2,
};

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ApiRequestParts {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** A text goes as it is, all else as JSON. */
  readonly body?: unknown;
}

export function proxyEvent(method: string, path: string, { headers, query, body }: ApiRequestParts = {}): object {
  return {
    resource: path,
    httpMethod: method,
    path,
    headers: body === undefined ? (headers ?? null) : { 'Content-Type': 'application/json', ...headers },
    queryStringParameters: query ?? null,
    requestContext: { path: `/prod${path}` },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    isBase64Encoded: false,
  };
}

export function createTestApi(changed: Partial<PipelinesPorts> = {}) {
  let nowMs = Date.UTC(2026, 10, 25);
  let ids = 0;
  const clock = { now: () => nowMs++ };
  const runs = createRuns({ table: createMemoryStateTable(), clock });
  const objects = new Map<string, ObjectVersion>();
  const putChunks: Chunk[] = [];
  const sent: object[] = [];
  const log: string[] = [];
  const effects: string[] = [];
  const ports: PipelinesPorts = {
    runs: {
      ...runs,
      add(...added) {
        effects.push(`add ${added[2]}`);
        return runs.add(...added);
      },
    },
    stream: {
      *cut(records, { source, recordsMax }) {
        for (let from = 0; from < records.length; from += recordsMax) {
          const some = records.slice(from, from + recordsMax);
          const number = from / recordsMax;
          const data = Buffer.from(JSON.stringify(some));
          const recordsUpTo = from + some.length;
          yield { number, records: some.length, recordsUpTo, partitionKey: `${source}/${number}`, data };
        }
      },
      async put(chunks) {
        effects.push(`put ${chunks.length}`);
        putChunks.push(...chunks);
      },
    },
    runsQueue: { send: async (request) => void sent.push(request) },
    objects: { find: async (bucket, key) => objects.get(`${bucket}/${key}`) },
    once: createMemoryOnce(),
    newId: () => (++ids).toString(16).padStart(32, '0'),
    clock,
    log: (line) => void log.push(line),
    ...changed,
  };
  const handler = createOrchestratorHandler(SETTINGS, ports);

  async function answerTo(event: unknown): Promise<ApiAnswer> {
    const { statusCode, headers, body } = await handler(event, { getRemainingTimeInMillis: () => 29_000 });
    const value: unknown = JSON.parse(body);
    if (!isRecord(value)) throw new Error(`the answer is no object: ${body}`);
    return { status: statusCode, headers, body: value };
  }

  return {
    ...{ runs, objects, putChunks, sent, log, effects, answerTo },
    call: (method: string, path: string, parts?: ApiRequestParts) => answerTo(proxyEvent(method, path, parts)),
  };
}

function createMemoryOnce(): PipelinesPorts['once'] {
  const done = new Map<string, { readonly bodyHash: string; readonly result: string }>();
  return {
    async once({ key, bodyHash }: KeyedRequest, _, work) {
      const known = done.get(key);
      if (known !== undefined && known.bodyHash !== bodyHash) throw new KeyReused('key');
      const result = known?.result ?? (await work());
      done.set(key, { bodyHash, result });
      return result;
    },
  };
}
