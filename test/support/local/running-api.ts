/** The API as it deploys, with its stream, and nothing that reads from it: so that what was put can be read back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Api } from '../../../infra/api.ts';
import { Encryption } from '../../../infra/encryption.ts';
import { NAMES } from '../../../infra/names.ts';
import { type Settings, settingsOf } from '../../../infra/settings.ts';
import { RecordStream } from '../../../infra/stream.ts';
import { type Runtime, startRuntime } from '../../../local/runtime.ts';
import { datasets } from '../../../schemas/index.ts';

export interface RunningApi {
  readonly runtime: Runtime;
  /** Of the stage, without a slash at its end. */
  readonly url: string;
  readonly kinesis: KinesisClient;
  /** What was said on standard error, such as a template that failed. */
  readonly warnings: readonly string[];
  stop(): Promise<void>;
}

export interface RunningApiOptions {
  /** As `RuntimeOptions` has it. */
  readonly enforceIam?: boolean;
  /** Changes to the settings of the local environment. */
  readonly api?: Partial<Settings['api']>;
}

export async function startApi({ enforceIam = false, api = {} }: RunningApiOptions = {}): Promise<RunningApi> {
  const folder = mkdtempSync(path.join(tmpdir(), 'api-'));
  const warnings: string[] = [];
  const runtime = await startRuntime({
    synthesize: () => [{ stackName: 'Api', template: synthesizeApi(path.join(folder, 'assembly'), api) }],
    assetFolder: () => folder,
    stateFolder: path.join(folder, 'state'),
    port: 0,
    enforceIam,
    warn: (line) => warnings.push(line),
  });
  const kinesis = new KinesisClient({
    endpoint: runtime.endpoint,
    region: runtime.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    ...{ runtime, kinesis, warnings },
    url: runtime.services.apigateway.urlOf(NAMES.api, NAMES.apiStage),
    async stop() {
      kinesis.destroy();
      await runtime.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

function synthesizeApi(outdir: string, api: Partial<Settings['api']>): unknown {
  const app = new App({ outdir, analyticsReporting: false });
  const stack = new Stack(app, 'Api');
  const local = settingsOf('local');
  const { streamKey } = new Encryption(stack, 'Encryption', { removalPolicy: RemovalPolicy.DESTROY });
  const { stream } = new RecordStream(stack, 'RecordStream', {
    key: streamKey,
    settings: local.stream,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const settings = { ...local, api: { ...local.api, ...api } };
  new Api(stack, 'Api', { settings, stream, streamKey, datasets: [...datasets.values()] });
  return app.synth().getStackByName('Api').template;
}
