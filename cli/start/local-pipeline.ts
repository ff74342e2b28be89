/** The pipeline on this machine: bundles built, the app synthesized, its templates run. */
import path from 'node:path';
import { buildApp } from '../../infra/build-app.ts';
import { checkPort } from '../../local/front/check-port.ts';
import { type Runtime, startRuntime } from '../../local/runtime.ts';
import { emptyState, lockState } from '../../local/state-folder.ts';
import { buildHandlers } from '../../tools/build.ts';

export interface LocalPipelineOptions {
  readonly stateFolder: string;
  /** TCP port on 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** Empty the state folder first. Default: false. */
  readonly fresh?: boolean;
  readonly onLog?: (group: string, message: string) => void;
  readonly warn?: (line: string) => void;
  /** Whether methods of the API with AWS_IAM take signed requests only. Default: false. */
  readonly enforceIam?: boolean;
}

export interface LocalPipeline extends Runtime {
  /** Parquet objects that tables read, error objects of Firehose, and the bytes of each. */
  files(): FileCounts;
}

export interface FileCounts {
  readonly files: number;
  readonly fileBytes: number;
  /** Objects below `errors/`: what Firehose could not convert. 0 unless something is wrong. */
  readonly errorFiles: number;
}

const ACCOUNT = '000000000000';
const REGION = 'us-east-1';
const ERRORS_PREFIX = 'errors/';

/** @throws Error with one clear line a problem */
export async function startLocalPipeline(options: LocalPipelineOptions): Promise<LocalPipeline> {
  const stateFolder = path.resolve(options.stateFolder);
  // The runtime takes both for good; known now, what is taken costs nobody the time of a build, nor any state.
  await checkPort(options.port);
  lockState(stateFolder).release();
  if (options.fresh) emptyState(stateFolder);
  await buildHandlers();
  const assembly = path.join(stateFolder, 'assembly');
  const runtime = await startRuntime({
    synthesize() {
      const context = { account: ACCOUNT, region: REGION };
      const app = buildApp({ environment: 'local', outdir: assembly, context, validate: false });
      return app.synth().stacks.map(({ stackName, template }) => ({ stackName, template }));
    },
    assetFolder: (key) => path.join(assembly, `asset.${path.parse(key).name}`),
    stateFolder,
    port: options.port,
    account: ACCOUNT,
    region: REGION,
    ...(options.onLog && { onLog: options.onLog }),
    ...(options.warn && { warn: options.warn }),
    enforceIam: options.enforceIam ?? false,
  });
  const bucket = `data-pipeline-processed-${ACCOUNT}-${REGION}`;
  return {
    ...runtime,
    files() {
      const all = runtime.services.s3.usage(bucket, '');
      const errors = runtime.services.s3.usage(bucket, ERRORS_PREFIX);
      return { files: all.objects - errors.objects, fileBytes: all.bytes - errors.bytes, errorFiles: errors.objects };
    },
  };
}
