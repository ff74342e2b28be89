/**
 * Lambda, as the template declares it: functions in processes of their own, event source mappings, and the operations of
 * the REST API that read and invoke. What is not supported is refused by name.
 */
import { LambdaFaults } from '../faults/lambda-faults.ts';
import type { Functions, LogSink, ObjectStore, Queues, StreamReader } from '../ports.ts';
import { AwsError, type Environment, type LocalService } from '../service.ts';
import { AsynchronousInvocations } from './asynchronous-invocations.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { functionNameOf } from './function-definition.ts';
import { FunctionPool, type Invocation, type InvocationOutcome } from './function-pool.ts';
import { createKinesisMapping, type KinesisMapping } from './kinesis-mapping.ts';
import type { Mapping, RunningMapping, ShardLag } from './mapping.ts';
import type { MappingDefinition } from './mapping-definition.ts';
import { lambdaResourceKinds } from './resource-kinds.ts';
import { createRestOperations } from './rest-operations.ts';
import { createSqsMapping } from './sqs-mapping.ts';

export interface LambdaServiceOptions {
  readonly streams: StreamReader;
  readonly queues: Queues;
  readonly logs: LogSink;
  readonly objects: ObjectStore;
  /** Folder of an asset, by the `S3Key` of the function's code. */
  readonly assetFolder: (key: string) => string;
  /** Gets one line for each loss that AWS would show in metrics only. Default: standard error. */
  readonly warn?: (line: string) => void;
}

export interface LambdaService extends LocalService, Functions {
  /** Invokes a function by name or ARN. @throws AwsError `ResourceNotFoundException` */
  readonly invoke: (functionReference: string, invocation: Invocation) => Promise<InvocationOutcome>;
  /** How far each Kinesis mapping is behind, by function name. */
  readonly lag: () => readonly { readonly functionName: string; readonly shards: readonly ShardLag[] }[];
  readonly faults: LambdaFaults;
}

/** How long `stop` waits for invocations under way before it ends their processes. */
const STOP_WAIT_MS = 10_000;

export function createLambdaService(environment: Environment, options: LambdaServiceOptions): LambdaService {
  const functions = new Map<string, FunctionPool>();
  const mappings = new Map<string, RunningMapping>();
  const kinesisMappings = new Map<string, { readonly functionName: string; readonly mapping: KinesisMapping }>();
  const faults = new LambdaFaults({ scope: 'lambda', clock: environment.clock, handle: () => handle });
  const asynchronous = new AsynchronousInvocations(environment.clock);
  const warn = options.warn ?? ((line: string) => void process.stderr.write(`${line}\n`));

  function find(reference: string): FunctionPool {
    const pool = functions.get(functionNameOf(reference));
    if (pool) return pool;
    throw new AwsError('ResourceNotFoundException', `Function not found: ${reference}`, 404);
  }

  function createMapping(definition: MappingDefinition): Mapping {
    const { clock, region } = environment;
    const pool = find(definition.functionName);
    if (definition.source === 'sqs') {
      const invoke = (payload: object) => pool.invoke({ payload, waits: true });
      return createSqsMapping({ definition, queues: options.queues, invoke, clock, region, warn });
    }
    const mapping = createKinesisMapping({
      definition,
      streams: options.streams,
      invoke: (payload) => pool.invoke({ payload }),
      destinations: options,
      checkpoints: new CheckpointStore(environment.folder('lambda'), definition.id, definition.eventSourceArn),
      clock,
      region,
      functionArn: pool.definition.arn,
      roleArn: pool.definition.role,
      warn,
    });
    kinesisMappings.set(definition.id, { functionName: definition.functionName, mapping });
    return mapping;
  }

  const resourceKinds = lambdaResourceKinds({
    addFunction(definition) {
      const folder = options.assetFolder(definition.assetKey);
      functions.set(definition.name, new FunctionPool({ definition, folder, environment, logs: options.logs, faults }));
    },
    addMapping(definition) {
      mappings.set(definition.id, { definition, mapping: createMapping(definition) });
    },
  });

  const handle = createRestOperations({
    functions,
    mappings,
    find,
    asynchronous,
    startedAtMs: environment.clock.now(),
    assetFolder: options.assetFolder,
  });

  return {
    scope: 'lambda',
    faults,
    resourceKinds,
    handle,
    invoke: async (reference, invocation) => find(reference).invoke(invocation),
    asynchronously(reference) {
      const pool = find(reference);
      return (payload) => asynchronous.add(pool, payload, 'upkeep');
    },
    lag: () =>
      [...kinesisMappings.values()].map(({ functionName, mapping }) => ({ functionName, shards: mapping.lag() })),
    start() {
      for (const { definition, mapping } of mappings.values()) if (definition.enabled) mapping.start();
    },
    idle: () =>
      asynchronous.idle() &&
      [...mappings.values()].every(({ mapping }) => mapping.idle()) &&
      [...functions.values()].every((pool) => pool.running === 0),
    async stop() {
      asynchronous.stop();
      const ended = Promise.all([...mappings.values()].map(({ mapping }) => mapping.stop()));
      const patience = new Promise<void>((resolve) => {
        setTimeout(resolve, STOP_WAIT_MS).unref();
      });
      await Promise.race([ended, patience]);
      await Promise.all([...functions.values()].map((pool) => pool.stop()));
      await ended;
    },
  };
}
