/** What a local service is: something that answers AWS requests and makes the template's resources real. */
import type { Readable } from 'node:stream';
import type { Clock } from './clock.ts';
import type { Faults } from './faults/faults.ts';

/** A request, as the front hands it over. The front has peeled off HTTP version, `Host` and authorisation. */
export interface ServiceRequest {
  readonly id: string;
  readonly method: string;
  /** Percent-encoded path, beginning with `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it comes; `readBody` collects it under a cap. */
  readonly body: Readable;
  /** Aborted when the client goes away before it is answered. Absent where nobody can. */
  readonly signal?: AbortSignal;
}

export interface ServiceResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | Readable;
}

/** An error as AWS would send it. The front writes it in the protocol of the service. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
  }
}

/** Answers requests, and tells which operations it knows, by AWS's names. */
export interface ServiceHandler {
  (request: ServiceRequest): Promise<ServiceResponse>;
  readonly operations?: readonly string[];
  /**
   * AWS's name of the operation that a request asks for. Default: what follows the dot in `X-Amz-Target`.
   * @throws AwsError as the handler does for a request that asks for none
   */
  readonly operationOf?: (request: ServiceRequest) => string | undefined;
}

export interface LocalService {
  /** The service's name in the SigV4 credential scope, such as `kinesis`. */
  readonly scope: string;
  readonly handle: ServiceHandler;
  /** The resource types of the template that this service makes real. */
  readonly resourceKinds: readonly ResourceKind[];
  /** Failures that are switched on. The front does every request under them; each service of the runtime has them. */
  readonly faults?: Faults;
  /** Starts background work (polling, timers), after every resource exists. */
  readonly start?: () => Promise<void> | void;
  /** True when nothing is waiting to be done now; work due at a later time of the clock does not count. */
  readonly idle?: () => boolean;
  /** Stops background work and writes everything accepted to disk. */
  readonly stop?: () => Promise<void>;
}

/** Where the local deployment stands. */
export interface Environment {
  readonly account: string;
  readonly region: string;
  /** `http://127.0.0.1:4566` */
  readonly endpoint: string;
  /** Folder for a service's state, made on demand: `.local/<scope>`. */
  readonly folder: (scope: string) => string;
  readonly clock: Clock;
}

/** The properties of a resource with every intrinsic resolved. */
export type Properties = Readonly<Record<string, unknown>>;

/** What `Ref` and `Fn::GetAtt` give for a resource. */
export interface Identity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResourceContext {
  readonly logicalId: string;
  readonly stackName: string;
  readonly account: string;
  readonly region: string;
}

/** How one CloudFormation resource type is run locally. */
export interface ResourceKind {
  readonly type: string;
  /** Top-level properties that have an effect. */
  readonly executed: readonly string[];
  /** Top-level properties that are accepted and have none, each with the reason (goes to docs/local-coverage.md). */
  readonly inert: Readonly<Record<string, string>>;
  /** Physical name and attributes. Pure: called before anything is made; names not given are derived from the logical id. */
  readonly identify: (properties: Properties, context: ResourceContext) => Identity;
  /** Makes the resource. Absent for a resource type that is inert as a whole. Called in dependency order. */
  readonly create?: (properties: Properties, identity: Identity, context: ResourceContext) => Promise<void> | void;
}
