/** How a verb reaches AWS, or whatever else answers as it does: options and environment as the AWS CLI has them. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './verb.ts';

export const CONNECTION_HELP = `  --endpoint-url URL   where to ask, such as http://127.0.0.1:4566 (default: AWS_ENDPOINT_URL, else AWS)
  --region REGION      (default: as the AWS CLI; us-east-1 on a local endpoint)
  --json               print JSON
  --help               this text`;

export const CONNECTION_OPTIONS = {
  'endpoint-url': { type: 'string' },
  region: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

/** What every SDK client is made with. */
export interface ClientSettings {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const LOCAL_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
const LOCAL_REGION = 'us-east-1';

/** @throws UsageError when the endpoint is no URL */
export function clientSettings(
  options: { readonly 'endpoint-url'?: string | undefined; readonly region?: string | undefined },
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ClientSettings {
  const endpoint = options['endpoint-url'] ?? environment.AWS_ENDPOINT_URL;
  const isLocal = endpoint !== undefined && isLocalUrl(endpoint);
  const region = options.region ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  const isAnonymous = !environment.AWS_ACCESS_KEY_ID && !environment.AWS_PROFILE;
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined ? { region } : isLocal && { region: LOCAL_REGION }),
    // The local endpoint takes any, and nobody should need to make some up.
    ...(isLocal && isAnonymous && { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
  };
}

export function isLocalUrl(endpoint: string): boolean {
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--endpoint-url: received ${endpoint}, allowed: a URL such as http://127.0.0.1:4566`);
  }
  return LOCAL_HOSTS.has(url.hostname);
}

/** Options of a verb beside those of the connection. @throws UsageError naming what is wrong, in one line */
export function parseVerb<Options extends NonNullable<ParseArgsConfig['options']>>(
  verb: string,
  args: readonly string[],
  options: Options,
) {
  const all = { ...CONNECTION_OPTIONS, ...options };
  try {
    return parseArgs({ args: joinDashed(args, all), allowPositionals: true, options: all });
  } catch (error) {
    const reason = Error.isError(error) ? error.message.split(/\.\s/)[0] : String(error);
    throw new UsageError(`${reason}. See npm run pipeline -- ${verb} --help`);
  }
}

/** A negative number is a value, so that the verb says what it allows; of what else begins with a dash, nobody can tell. */
function joinDashed(args: readonly string[], options: NonNullable<ParseArgsConfig['options']>): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const [arg = '', next = ''] = [args[at], args[at + 1]];
    if (arg === '--') return [...joined, ...args.slice(at)];
    if (!arg.startsWith('--') || options[arg.slice(2)]?.type !== 'string' || !/^-./.test(next)) joined.push(arg);
    else if (/^-\d/.test(next)) {
      joined.push(`${arg}=${next}`);
      at += 1;
    } else
      throw new UsageError(`${arg}: received ${next}, allowed: a value; if it begins with a dash, as ${arg}=${next}`);
  }
  return joined;
}
