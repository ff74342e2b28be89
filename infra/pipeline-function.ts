/**
 * A Lambda function of the pipeline: its bundle, log group, and a role that may do what the function is given and
 * nothing else. Grants of CDK constructs do not widen the role; they would add deletes and wildcards.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Duration, RemovalPolicy, type Size } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { BUNDLE_FILE, BUNDLE_HANDLER, type HandlerName } from './handlers.ts';
import type { LogLevel, Settings } from './settings.ts';

export interface PipelineFunctionProps {
  readonly functionName: string;
  readonly description: string;
  readonly handler: HandlerName;
  /** Folder with a bundle folder for each handler. */
  readonly bundles: string;
  readonly memory: Size;
  readonly timeout: Duration;
  readonly environment: Readonly<Record<string, string>>;
  /** What the function may do, beyond writing its own log and traces. */
  readonly statements: readonly PolicyStatement[];
  /** Whether it is invoked by what it sends itself, as often as there is work left. Default: false. */
  readonly handsOnToItself?: boolean;
  readonly settings: Settings;
}

const APPLICATION_LOG_LEVELS: Readonly<Record<LogLevel, ApplicationLogLevel>> = {
  DEBUG: ApplicationLogLevel.DEBUG,
  INFO: ApplicationLogLevel.INFO,
};

/** Tells the code of a bundle from any other: 16 hex digits. */
export function bundleVersion(bundles: string, handler: HandlerName): string {
  const file = path.join(bundles, handler, BUNDLE_FILE);
  // Without a bundle there is no function: PipelineFunction says so.
  if (!existsSync(file)) return '';
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
}

export class PipelineFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  /** @throws Error when the bundle has not been built */
  constructor(scope: Construct, id: string, props: PipelineFunctionProps) {
    super(scope, id);
    const { settings, functionName, handler, bundles } = props;
    const bundle = path.join(bundles, handler);
    if (!existsSync(path.join(bundle, BUNDLE_FILE))) {
      throw new Error(`${functionName}: no bundle ${path.join(bundle, BUNDLE_FILE)}; make it with: npm run build`);
    }
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: settings.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Of the function ${functionName}`,
    });
    this.role.addToPolicy(
      new PolicyStatement({
        sid: 'WriteLog',
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    for (const statement of props.statements) this.role.addToPolicy(statement);

    this.function = new LambdaFunction(this, 'Function', {
      functionName,
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle),
      handler: BUNDLE_HANDLER,
      memorySize: props.memory.toMebibytes(),
      timeout: props.timeout,
      environment: {
        ...props.environment,
        LOG_LEVEL: settings.logLevel,
        METRICS_NAMESPACE: settings.metricsNamespace,
      },
      role: this.role.withoutPolicyUpdates(),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: APPLICATION_LOG_LEVELS[settings.logLevel],
      systemLogLevelV2: SystemLogLevel.INFO,
      tracing: settings.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      // Lambda ends a chain of about 16 otherwise: lambda/latest/dg/invocation-recursion.html
      ...(props.handsOnToItself && { recursiveLoop: RecursiveLoop.ALLOW }),
    });
    this.function.node.addDependency(this.role);
    if (settings.tracing) this.allowTracing();
  }

  private allowTracing(): void {
    this.role.addToPolicy(
      new PolicyStatement({
        sid: 'WriteTraces',
        actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
        resources: ['*'],
      }),
    );
    acknowledge(this.role, {
      'AwsSolutions-IAM5[Resource::*]': 'X-Ray has no resources to name: its write actions are granted on * only',
    });
  }
}
