/**
 * Runs synthesized templates on this machine: one endpoint, every resource that they declare, one clock. Knows the
 * pipeline only by its templates and bundles.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, createClock } from './clock.ts';
import type { Faults } from './faults/faults.ts';
import { createFront } from './front/front.ts';
import type { Environment } from './service.ts';
import { createServices, type Services } from './services.ts';
import { lockState } from './state-folder.ts';
import { type PlannedResource, planResources, type StackTemplate } from './template/plan-resources.ts';

export interface RuntimeOptions {
  /** Gives the templates. Called once the state folder and the port are this process's alone. */
  readonly synthesize: () => readonly StackTemplate[];
  /** Folder of an asset, by the `S3Key` of a function's code. */
  readonly assetFolder: (key: string) => string;
  /** Folder for all state, kept between starts. */
  readonly stateFolder: string;
  /** TCP port on 127.0.0.1; 0 takes any free one. Default 4566. */
  readonly port?: number;
  /** Default 000000000000. */
  readonly account?: string;
  /** Default us-east-1. */
  readonly region?: string;
  /** Sees every log line that a function or service writes. */
  readonly onLog?: (group: string, message: string) => void;
  /** Gets one line for what should be known and is no answer to a request. Default: standard error. */
  readonly warn?: (line: string) => void;
  /**
   * Whether methods of APIs with AWS_IAM take signed requests only, as on AWS. Default false: an unsigned curl is let
   * through. Clients sign with the secret access key `local`, and any access key id.
   */
  readonly enforceIam?: boolean;
}

export interface Runtime {
  /** `http://127.0.0.1:4566` */
  readonly endpoint: string;
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  readonly services: Services;
  /** The switch of failures of a service, by its name in the SigV4 scope. @throws Error naming the services there are */
  faults(scope: string): Faults;
  /** Resolves once nothing is waiting to be done now. @throws Error when it has not come to that in time */
  settle(timeoutMs: number): Promise<void>;
  /**
   * Drives the clock until all that was put is at rest: batches tried again, buffers delivered, partitions registered.
   * @throws Error saying what is not at rest, when it has not come to that in time
   */
  drain(timeoutMs: number): Promise<void>;
  /** Takes no more requests, delivers what is buffered, and writes everything to disk. */
  stop(): Promise<void>;
}

const LOCAL_ACCOUNT = '000000000000';
/**
 * How far `drain` drives the clock. Work that still waits then will not be done by waiting, and records are not to be
 * driven past their greatest age (at least 72 h).
 */
const DRAIN_HORIZON_MS = 24 * 3_600_000;
/** The least that it drives the clock at once: what was begun within a minute becomes due together. */
const DRAIN_STRIDE_MS = 60_000;
const SETTLE_POLL_MS = 15;
/** Looks in a row at which nothing may be under way: work passes from one service to another between two looks. */
const SETTLED_LOOKS = 4;

/** @throws Error with one clear line a problem: the port, the state folder, or what the template has and is not run */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const stateFolder = path.resolve(options.stateFolder);
  const lock = lockState(stateFolder);
  const { warn } = options;
  const clock = createClock(warn && { onError: (error) => warn(`a task of the clock failed: ${String(error)}`) });
  let services: Services | undefined;
  const front = createFront({
    services: () => services?.all ?? [],
    port: options.port ?? 4566,
    ...(options.warn && { log: options.warn }),
  });
  try {
    const endpoint = await front.listen();
    const stacks = options.synthesize();
    const { account = LOCAL_ACCOUNT, region = 'us-east-1' } = options;
    const environment: Environment = { account, region, endpoint, clock, folder: stateFolders(stateFolder) };
    services = createServices(environment, options);
    const resources = planResources(stacks, services.resourceKinds, environment);
    for (const { kind, properties, identity, context } of resources) {
      await kind.create?.(properties, identity, context);
    }
    for (const service of services.all) await service.start?.();
    return createRuntime({ environment, services, resources, close: () => front.close(), release: lock.release });
  } catch (error) {
    await front.close();
    for (const service of [...(services?.all ?? [])].reverse()) await service.stop?.();
    clock.stop();
    lock.release();
    throw error;
  }
}

interface Parts {
  readonly environment: Environment;
  readonly services: Services;
  readonly resources: readonly PlannedResource[];
  readonly close: () => Promise<void>;
  readonly release: () => void;
}

function createRuntime({ environment, services, resources, close, release }: Parts): Runtime {
  const { account, region, endpoint, clock } = environment;
  const consumedQueues = queuesOfMappings(resources);

  /** What is not done, in words; undefined when everything is. */
  async function unfinished(): Promise<string | undefined> {
    const busy = services.all.filter((service) => service.idle?.() === false);
    if (busy.length > 0) return `${busy.map(({ scope }) => scope).join(', ')} at work`;
    for (const queueArn of consumedQueues) {
      const depth = await services.queues.depth(queueArn);
      if (depth > 0) return `${depth} messages in ${queueArn}`;
    }
    return undefined;
  }

  function behind(): string | undefined {
    for (const { functionName, shards } of services.lambda.lag()) {
      const late = shards.filter(({ millisBehind, behindRecords }) => millisBehind > 0 || behindRecords !== 0);
      if (late.length > 0) return `${functionName} is behind on ${late.map(({ shardId }) => shardId).join(', ')}`;
    }
    return undefined;
  }

  /** @param counts what keeps it from being settled */
  async function until(counts: () => Promise<string | undefined>, endMs: number): Promise<string | undefined> {
    let reason: string | undefined;
    for (let quiet = 0; quiet < SETTLED_LOOKS; ) {
      reason = await counts();
      quiet = reason === undefined ? quiet + 1 : 0;
      if (quiet === 0 && performance.now() > endMs) return reason;
      await sleep(SETTLE_POLL_MS);
    }
    return undefined;
  }

  return {
    endpoint,
    account,
    region,
    clock,
    services,
    faults(scope) {
      const faults = services.all.find((service) => service.scope === scope)?.faults;
      if (faults) return faults;
      throw new Error(
        `There is no service "${scope}". Services here: ${services.all.map((one) => one.scope).join(', ')}.`,
      );
    },
    async settle(timeoutMs) {
      const reason = await until(unfinished, performance.now() + timeoutMs);
      if (reason !== undefined) throw new Error(`Not settled after ${timeoutMs / 1000} s: ${reason}.`);
    },
    async drain(timeoutMs) {
      const endMs = performance.now() + timeoutMs;
      const horizonMs = clock.now() + DRAIN_HORIZON_MS;
      // Whatever waits for a later time waits on the clock.
      const atWork = async () => (services.all.some((service) => service.idle?.() === false) ? 'at work' : undefined);
      let left = await until(atWork, endMs);
      for (let dueMs = clock.nextDueMs(); left === undefined && dueMs !== undefined; dueMs = clock.nextDueMs()) {
        const nowMs = clock.now();
        if (Math.max(dueMs, nowMs) > horizonMs || performance.now() > endMs) left = 'work is still put off';
        else {
          clock.advance(Math.max(dueMs - nowMs, DRAIN_STRIDE_MS));
          left = await until(atWork, endMs);
        }
      }
      left ??= (await until(unfinished, endMs)) ?? behind();
      if (left !== undefined) throw new Error(`Not at rest after ${Math.round(timeoutMs / 1000)} s: ${left}.`);
    },
    async stop() {
      const failures: unknown[] = [];
      const attempt = (task: Promise<void> | undefined) => task?.catch((error: unknown) => void failures.push(error));
      // Functions under way finish, and for that they need the endpoint.
      await attempt(services.lambda.stop?.());
      await attempt(close());
      const others = services.all.filter((service) => service !== services.lambda);
      for (const service of others.reverse()) await attempt(service.stop?.());
      clock.stop();
      release();
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
    },
  };
}

function stateFolders(root: string): (scope: string) => string {
  return (scope) => {
    const folder = path.join(root, scope);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
}

/** Queues that an event source mapping empties: what lies in others waits for nobody. */
function queuesOfMappings(resources: readonly PlannedResource[]): readonly string[] {
  return resources
    .filter(({ kind }) => kind.type === 'AWS::Lambda::EventSourceMapping')
    .map(({ properties }) => String(properties.EventSourceArn))
    .filter((arn) => arn.startsWith('arn:aws:sqs:'));
}
