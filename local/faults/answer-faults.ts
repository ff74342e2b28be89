/**
 * The fault switches over HTTP, at `/_local/faults`: GET shows what is on, PUT puts what its body says in place of that, and
 * DELETE ends everything. All answer with what is on then: `{"kinesis": {"errorRate": 0.1}}`.
 */
import { FAULTS_PATH } from '../front/route.ts';
import { readBody } from '../protocol/read-body.ts';
import { AwsError, type LocalService, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { InvalidFaultSettings } from './fault-settings.ts';
import type { FaultSettings, Faults } from './faults.ts';

const BODY_BYTES_MAX = 64 * 1024;
const EXAMPLE = '{"kinesis": {"errorRate": 0.1, "operations": ["PutRecords"]}}';

/** @throws AwsError `ValidationException` with one line that says what is allowed; nothing is switched then */
export async function answerFaults(
  request: Pick<ServiceRequest, 'method' | 'body'>,
  services: readonly LocalService[],
): Promise<ServiceResponse> {
  const switches = switchesOf(services);
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      break;
    case 'PUT': {
      const wanted = readSettings(await readBody(request.body, BODY_BYTES_MAX), switches);
      for (const faults of switches.values()) faults.clear();
      for (const [faults, settings] of wanted) faults.set(settings);
      break;
    }
    case 'DELETE':
      for (const faults of switches.values()) faults.clear();
      break;
    default:
      throw new AwsError(
        'MethodNotAllowed',
        `${FAULTS_PATH} takes GET, PUT and DELETE, received ${request.method}.`,
        405,
      );
  }
  const on = [...switches].flatMap(([scope, { settings }]) => (settings ? [[scope, settings] as const] : []));
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: `${JSON.stringify(Object.fromEntries(on))}\n`,
  };
}

function switchesOf(services: readonly LocalService[]): ReadonlyMap<string, Faults> {
  const found = services.flatMap(({ scope, faults }) => (faults ? [[scope, faults] as const] : []));
  return new Map(found.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Everything is checked before anything is switched. */
function readSettings(
  body: Buffer,
  switches: ReadonlyMap<string, Faults>,
): readonly (readonly [Faults, FaultSettings])[] {
  const given = parseObject(body);
  return Object.entries(given).map(([scope, settings]) => {
    const faults = switches.get(scope);
    if (!faults) throw invalid(`There is no service "${scope}". Services here: ${[...switches.keys()].join(', ')}.`);
    try {
      return [faults, faults.check(settings)];
    } catch (error) {
      if (error instanceof InvalidFaultSettings) throw invalid(error.message);
      throw error;
    }
  });
}

function parseObject(body: Buffer): object {
  const text = body.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below, as for JSON of another shape.
  }
  const received = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  throw invalid(
    `The body has to be a JSON object by service, such as ${EXAMPLE}, received ${JSON.stringify(received)}.`,
  );
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
