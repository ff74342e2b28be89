/**
 * A file of flights, gzip of NDJSON, read into chunks as the Ingestion function reads it, beside the floor: the same file
 * decompressed and each of its lines parsed, and nothing else. Each runs in a process of its own, one after the other, in
 * turns; rates are of plain bytes.
 */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { isRecord } from '../schemas/describe.ts';
import { datasets } from '../schemas/index.ts';
import { readChunks } from '../streams/ingest/read-chunks.ts';
import type { SourceObject } from '../streams/ingest/source-object.ts';
import { flights2k } from '../streams/sources/vega.ts';
import type { BenchmarkOptions, BenchmarkResult } from './benchmark.ts';
import { medianOf } from './statistics.ts';

/** Plain bytes of the file. */
const BYTES = 256 * 1024 * 1024;
const ROUNDS = 3;
/** From so many plain bytes on, one round is long enough to be no accident. */
const ONE_ROUND_BYTES = 2_000_000_000;
const RECORDS_A_CHUNK = 2_000;

type Side = 'floor' | 'chunks';

/** What a side did, in its own process. */
interface Measured {
  readonly ms: number;
  readonly records: number;
  /** Largest resident set of the process, bytes. */
  readonly rssBytes: number;
  /** Bytes that would go onto the stream. */
  readonly putBytes: number;
}

export default async function replayBenchmark(
  progress: (line: string) => void,
  { bytes = BYTES }: BenchmarkOptions = {},
): Promise<BenchmarkResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-replay-'));
  const file = path.join(folder, 'flights.ndjson.gz');
  try {
    const records = await writeFlights(file, bytes);
    const gzipBytes = statSync(file).size;
    progress(`${records} flights, ${megabytes(bytes)} MB, ${megabytes(gzipBytes)} MB compressed`);
    const sides: Record<Side, Measured[]> = { floor: [], chunks: [] };
    const rounds = bytes < ONE_ROUND_BYTES ? ROUNDS : 1;
    for (let round = 1; round <= rounds; round += 1) {
      for (const side of ['floor', 'chunks'] as const) {
        const measured = await runApart(side, file);
        if (measured.records !== records) throw new Error(`${side}: ${measured.records} records of ${records}`);
        sides[side].push(measured);
        progress(`round ${round} of ${rounds}: ${side} ${rate(bytes, measured.ms)} MB/s`);
      }
    }
    return summarize(sides, { bytes, gzipBytes, records });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Flights as NDJSON until there are so many bytes, each with a number of its own. @returns how many */
async function writeFlights(file: string, bytes: number): Promise<number> {
  const flights: string[] = [];
  for await (const flight of flights2k()) flights.push(JSON.stringify(flight).slice(0, -1));
  let records = 0;
  function* lines(): Generator<string> {
    for (let written = 0; written < bytes; ) {
      let part = '';
      for (const flight of flights) {
        part += `${flight},"number":${(records * 7_919) % 999_983}}\n`;
        records += 1;
        if (written + part.length >= bytes) break;
      }
      written += part.length;
      yield part;
    }
  }
  await pipeline(Readable.from(lines()), createGzip({ level: 6 }), createWriteStream(file));
  return records;
}

async function runApart(side: Side, file: string): Promise<Measured> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', import.meta.filename, side, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let output = '';
  for await (const part of child.stdout) output += part;
  if ((await ended) !== 0) throw new Error(`${side}: the process ended without a result`);
  const result: unknown = JSON.parse(output);
  const number = (name: string): number => {
    const value = isRecord(result) ? result[name] : undefined;
    if (typeof value !== 'number') throw new Error(`${side}: the process gave no ${name}`);
    return value;
  };
  return { ms: number('ms'), records: number('records'), rssBytes: number('rssBytes'), putBytes: number('putBytes') };
}

/** As `zcat file` piped into a program that parses each line. */
async function runFloor(file: string): Promise<{ records: number; putBytes: number }> {
  let records = 0;
  let rest = '';
  for await (const part of createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(
    createGunzip({ chunkSize: 128 * 1024 }),
  )) {
    const text = rest + part.toString('latin1');
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      JSON.parse(text.slice(from, end));
      records += 1;
      from = end + 1;
    }
    rest = text.slice(from);
  }
  return { records, putBytes: 0 };
}

async function runChunks(file: string): Promise<{ records: number; putBytes: number }> {
  const dataset = datasets.get('flights');
  if (dataset === undefined) throw new Error('the dataset flights is gone');
  const object: SourceObject = {
    key: file,
    sizeBytes: statSync(file).size,
    read: (start, to = Number.POSITIVE_INFINITY) => createReadStream(file, { start, end: to - 1 }),
  };
  let records = 0;
  let putBytes = 0;
  for await (const chunk of readChunks(object, {
    source: `file://${file}`,
    runId: 'bench',
    recordsMax: RECORDS_A_CHUNK,
    dataset,
  })) {
    records += chunk.records;
    putBytes += chunk.data.length;
  }
  return { records, putBytes };
}

interface Input {
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly records: number;
}

function summarize(
  sides: Readonly<Record<Side, readonly Measured[]>>,
  { bytes, gzipBytes, records }: Input,
): BenchmarkResult {
  const of = (side: Side) => ({
    mb_per_second: rate(bytes, medianOf(sides[side].map(({ ms }) => ms))),
    rss_mb: megabytes(Math.max(...sides[side].map(({ rssBytes }) => rssBytes))),
  });
  const ratios = sides.chunks.map(({ ms }, index) => (sides.floor[index]?.ms ?? Number.NaN) / ms);
  const json = {
    bytes,
    gzip_bytes: gzipBytes,
    records,
    put_bytes: sides.chunks[0]?.putBytes ?? 0,
    chunks: of('chunks'),
    floor: of('floor'),
    share_of_floor: Math.round(medianOf(ratios) * 100) / 100,
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    load_average: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    date: new Date().toISOString().slice(0, 10),
  };
  const row = (name: string, side: Side) =>
    `${name.padEnd(30)}${String(json[side].mb_per_second).padStart(8)} MB/s${String(json[side].rss_mb).padStart(8)} MB of memory`;
  const text = [
    `${records} flights, ${megabytes(bytes)} MB of NDJSON, ${megabytes(gzipBytes)} MB as gzip; ${megabytes(json.put_bytes)} MB onto the stream`,
    row('read into chunks', 'chunks'),
    row('decompressed and parsed alone', 'floor'),
    `${json.share_of_floor} of what decompressing and parsing alone does (the aim: 0.5, below 256 MB)`,
    `${json.date}, Node ${json.node}, ${json.cpu}, load average ${json.load_average}`,
  ].join('\n');
  return { json, text };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}

function rate(bytes: number, ms: number): number {
  return Math.round(bytes / 1_000 / ms);
}

if (process.argv[1] === import.meta.filename) {
  const [side, file = ''] = process.argv.slice(2);
  const startedAt = performance.now();
  const done = await (side === 'floor' ? runFloor(file) : runChunks(file));
  const ms = performance.now() - startedAt;
  console.log(JSON.stringify({ ...done, ms, rssBytes: process.resourceUsage().maxRSS * 1024 }));
}
