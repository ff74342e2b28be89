/** The options of `npm start`. */
import { parseArgs } from 'node:util';

export interface StartOptions {
  /** Run a bounded demonstration to the end, print the books, and exit. */
  readonly once: boolean;
  /** Print one JSON object instead of text. */
  readonly json: boolean;
  /** Empty the state folder first. */
  readonly fresh: boolean;
  /** TCP port on 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** Folder for local state. */
  readonly state: string;
  /** Feed real records while running. */
  readonly feed: boolean;
}

export const START_HELP = `npm start [-- options]

Runs the whole pipeline on this machine: the template that deploys, on one AWS-compatible endpoint.

  --once         run a bounded demonstration to the end, print the balanced books, exit 0 only if the residual is 0
  --json         print one JSON object (with --once), or one a line (live)
  --no-feed      start the pipeline without feeding it
  --fresh        empty the state folder first
  --port N       port on 127.0.0.1 (default 4566; 0 takes any free one)
  --state DIR    state folder (default .local/live; with --once .local/once, emptied first)
  --help         this text

Everything listens on 127.0.0.1 only. Ctrl-C flushes what is buffered and keeps the state.`;

/** What is wrong with a command line; its message is one line. */
export class UsageError extends Error {}

/** @throws UsageError naming the option, what was received and what is allowed */
export function parseStartOptions(args: readonly string[]): StartOptions | 'help' {
  let values: ReturnType<typeof parse>['values'];
  try {
    values = parse(args).values;
  } catch (error) {
    throw new UsageError(
      `${Error.isError(error) ? error.message.split(/\.\s/)[0] : String(error)}. See npm start -- --help`,
    );
  }
  if (values.help) return 'help';
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`--port: received ${values.port}, allowed 0 to 65535`);
  }
  return {
    once: values.once,
    json: values.json,
    fresh: values.fresh || (values.once && values.state === undefined),
    port,
    state: values.state ?? (values.once ? '.local/once' : '.local/live'),
    feed: !values['no-feed'],
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: false,
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
      'no-feed': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      port: { type: 'string', default: '4566' },
      state: { type: 'string' },
    },
  });
}
