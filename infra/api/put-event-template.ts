/**
 * The mapping templates of the event routes: the files beside this one, told by `#set` what they stand for. They are VTL as
 * API Gateway runs it: apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { NAMES } from '../names.ts';

/** What the templates are told. Nothing of it is a client's. */
export interface PutEvent {
  readonly dataset: string;
  readonly source: string;
  readonly isBatch: boolean;
  /** `keyField` of the dataset; undefined: the partition key is the request's id. */
  readonly keyField: string | undefined;
}

/** The request template of a route, in VTL. */
export function putEventTemplate({ dataset, source, isBatch, keyField }: PutEvent): string {
  return [
    setText('stream', NAMES.stream),
    setText('dataset', dataset),
    setText('source', source),
    `#set($isBatch = ${isBatch})`,
    '#set($key = "")',
    ...(keyField === undefined ? [] : [`#set($key = $input.path('$.${keyField}'))`]),
    template('event-id.vtl'),
    template('put-event.request.vtl'),
  ].join('\n');
}

/** The answer when Kinesis took the record, in VTL. */
export function putAnswerTemplate(): string {
  return [template('event-id.vtl'), template('put-event.response.vtl')].join('\n');
}

/** The answer when Kinesis refused the record, in VTL. */
export function putRefusedTemplate(): string {
  return [template('event-id.vtl'), template('put-event.refused.vtl')].join('\n');
}

/** The answer when Kinesis failed, in VTL. */
export function putFailedTemplate(): string {
  return template('put-event.failed.vtl');
}

/** The answer where there is no such dataset, in VTL. */
export function unknownDatasetTemplate(datasets: readonly string[]): string {
  return [`#set($datasets = '${JSON.stringify(datasets)}')`, template('unknown-dataset.response.vtl')].join('\n');
}

function setText(name: string, text: string): string {
  if (!/^[\w./-]+$/.test(text)) throw new Error(`VTL ${name}: received ${text}, allowed: letters, digits and _ . / -`);
  return `#set($${name} = "${text}")`;
}

function template(file: string): string {
  return readFileSync(path.join(import.meta.dirname, file), 'utf8').trimEnd();
}
