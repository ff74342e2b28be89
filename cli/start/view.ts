/** The terminal view of a running pipeline: one calm screen, redrawn in place; plain lines where there is no terminal. */
import { stripVTControlCharacters, styleText } from 'node:util';
import type { QueryResult } from './query.ts';

export interface Snapshot {
  readonly endpoint: string;
  /** Of the REST API's stage: `/events/…` and `/pipelines` are below it. */
  readonly apiUrl: string;
  readonly streamName: string;
  readonly stateFolder: string;
  readonly uptimeSeconds: number;
  /** Events that the feed of this process sent; others may put as well. */
  readonly put: number;
  /** Events that the processor took in since the start, whoever put them and when; so of the next three. */
  readonly received: number;
  readonly delivered: number;
  readonly quarantined: number;
  readonly eventsPerSecond: number;
  /** Bytes on the stream, of all starts. */
  readonly streamBytes: number;
  /** How far the processor is behind the newest record. */
  readonly lagMs: number;
  /** Parquet objects of all starts. */
  readonly files: number;
  readonly fileBytes: number;
  readonly failures: readonly FailureLine[];
  readonly result: QueryResult | undefined;
  readonly resultTitle: string;
  /** What is being done at the moment, such as `stopping: flushing buffers`. */
  readonly note: string;
}

export interface FailureLine {
  readonly dataset: string;
  readonly stage: string;
  readonly code: string;
  readonly message: string;
}

/** The screen, as lines of at most `columns` characters. Pure. */
export function renderScreen(snapshot: Snapshot, columns: number): string[] {
  const bold = (text: string) => styleText('bold', text);
  const dim = (text: string) => styleText('dim', text);
  const failed = snapshot.quarantined > 0 ? styleText('yellow', count(snapshot.quarantined)) : '0';
  const figure = (label: string, value: string, more = '') =>
    `  ${label.padEnd(12)}${value.padStart(12)}  ${dim(more)}`;
  return [
    `${bold('data-pipeline')} ${dim(`running for ${duration(snapshot.uptimeSeconds)}, ${snapshot.note}`)}`,
    '',
    bold('since this start'),
    figure('fed', count(snapshot.put), 'by this npm start; others may put as well'),
    figure(
      'received',
      count(snapshot.received),
      `${count(Math.round(snapshot.eventsPerSecond))} a second, lag ${snapshot.lagMs < 1000 ? 'under a second' : duration(snapshot.lagMs / 1000)}`,
    ),
    figure('delivered', count(snapshot.delivered)),
    `  ${'failed'.padEnd(12)}${' '.repeat(Math.max(0, 12 - count(snapshot.quarantined).length))}${failed}  ${dim('kept in failed_events with their reasons')}`,
    bold('kept, of all starts'),
    figure(
      'files',
      count(snapshot.files),
      `${bytes(snapshot.fileBytes)} of Parquet, ${bytes(snapshot.streamBytes)} on the stream`,
    ),
    '',
    bold('recent failures'),
    ...(snapshot.failures.length === 0
      ? [dim('  none landed yet')]
      : snapshot.failures.map(
          (line) =>
            `  ${line.dataset || '(no dataset)'} ${line.stage} ${styleText('yellow', line.code)} ${dim(clip(line.message, columns - 40))}`,
        )),
    '',
    bold(snapshot.resultTitle),
    ...(snapshot.result
      ? table(snapshot.result).map((line) => `  ${line}`)
      : [dim('  the first files land after the buffer interval (60 s)')]),
    '',
    dim(`endpoint  ${snapshot.endpoint}    state  ${snapshot.stateFolder}`),
    dim(`api       ${snapshot.apiUrl}`),
    dim(`try       aws --endpoint-url ${snapshot.endpoint} kinesis list-streams`),
    dim(`          curl '${snapshot.apiUrl}/pipelines?status=running'`),
    dim('Ctrl-C    flush and stop'),
  ].map((line) => within(line, columns));
}

/** A line that is too long loses its end, and its styles with it: wrapped, it would push the screen out of place. */
function within(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}

/** One line for logs and pipes. Pure. */
export function renderLine(snapshot: Snapshot): string {
  return [
    `since this start: fed ${count(snapshot.put)}`,
    `received ${count(snapshot.received)}`,
    `delivered ${count(snapshot.delivered)}`,
    `failed ${count(snapshot.quarantined)}`,
    `lag ${Math.round(snapshot.lagMs / 1000)} s`,
    `in all ${count(snapshot.files)} files (${bytes(snapshot.fileBytes)})`,
  ].join(', ');
}

/** A result as aligned columns. */
export function table(result: QueryResult): string[] {
  const rows = [result.columns, ...result.rows];
  const widths = result.columns.map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  const numeric = result.columns.map((_, index) =>
    result.rows.every((row) => /^-?[\d.]*(E-?\d+)?$/.test(row[index] ?? '')),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => (numeric[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(result.columns), widths.map((width) => '-'.repeat(width)).join('  '), ...result.rows.map(line)];
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const exponent = Math.min(4, Math.floor(Math.log2(value) / 10));
  return `${(value / 1024 ** exponent).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][exponent]}`;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function clip(text: string, width: number): string {
  const room = Math.max(20, width);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
