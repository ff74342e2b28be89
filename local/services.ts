/** Every local service, wired to the others as AWS wires them. The one place that knows them all. */
import { type ApiGatewayService, createApiGatewayService } from './apigateway/service.ts';
import { createServiceActions } from './apigateway/service-actions.ts';
import { createAthenaService } from './athena/service.ts';
import { createDynamoDbService, type DynamoDbService } from './dynamodb/service.ts';
import { createEventsService } from './events/service.ts';
import { createFirehoseService, type FirehoseService } from './firehose/service.ts';
import { createGlueService } from './glue/service.ts';
import { inertResourceKinds } from './inert/resource-kinds.ts';
import { createKinesisService, type KinesisService } from './kinesis/service.ts';
import { createLambdaService, type LambdaService } from './lambda/service.ts';
import { createLogsService } from './logs/service.ts';
import type { LogSink, Queues } from './ports.ts';
import { createS3Service, type S3Service } from './s3/service.ts';
import { createSchedulerService } from './scheduler/service.ts';
import type { Environment, LocalService, ResourceKind } from './service.ts';
import { createSqsService } from './sqs/service.ts';

export interface Services {
  readonly kinesis: KinesisService;
  readonly lambda: LambdaService;
  readonly firehose: FirehoseService;
  readonly s3: S3Service;
  readonly dynamodb: DynamoDbService;
  readonly queues: Queues;
  readonly apigateway: ApiGatewayService;
  /** In the order in which they start; they stop the other way round. */
  readonly all: readonly LocalService[];
  /** How each resource type of a template is run. */
  readonly resourceKinds: readonly ResourceKind[];
}

export interface ServicesOptions {
  /** Folder of an asset, by the `S3Key` of a function's code. */
  readonly assetFolder: (key: string) => string;
  /** Sees every log line that is written. */
  readonly onLog?: (group: string, message: string) => void;
  /** Gets one line for each loss that AWS would show in metrics only. Default: standard error. */
  readonly warn?: (line: string) => void;
  /** Whether methods of APIs with AWS_IAM take requests only that are signed with the secret `local`. Default false. */
  readonly enforceIam?: boolean;
}

export function createServices(environment: Environment, options: ServicesOptions): Services {
  const logs = createLogsService(environment, options.warn && { warn: options.warn });
  const sink = options.onLog ? watched(logs, options.onLog) : logs;
  const sqs = createSqsService(environment);
  const events = createEventsService(environment, {
    queues: sqs,
    // Lambda comes last, because it needs all the others; a rule is made when all are there.
    functions: { asynchronously: (reference) => lambda.asynchronously(reference) },
    ...(options.warn && { warn: options.warn }),
  });
  const scheduler = createSchedulerService(environment, { queues: sqs, ...(options.warn && { warn: options.warn }) });
  const s3 = createS3Service(environment, { events });
  const glue = createGlueService(environment);
  const athena = createAthenaService(environment, { catalog: glue, objects: s3 });
  const firehose = createFirehoseService(environment, { objects: s3, catalog: glue, logs: sink });
  const kinesis = createKinesisService(environment, options.warn && { warn: options.warn });
  const dynamodb = createDynamoDbService(environment);
  const lambda: LambdaService = createLambdaService(environment, {
    streams: kinesis,
    queues: sqs,
    logs: sink,
    objects: s3,
    assetFolder: options.assetFolder,
    ...(options.warn && { warn: options.warn }),
  });
  const apigateway = createApiGatewayService(environment, {
    actions: createServiceActions([kinesis]),
    functions: lambda,
    logs: sink,
    enforceIam: options.enforceIam ?? false,
    ...(options.warn && { warn: options.warn }),
  });
  const all = [logs, sqs, events, scheduler, s3, glue, athena, firehose, kinesis, dynamodb, lambda, apigateway];
  const resourceKinds = [...all.flatMap((service) => service.resourceKinds), ...inertResourceKinds()];
  return { kinesis, lambda, firehose, s3, dynamodb, queues: sqs, apigateway, all, resourceKinds };
}

function watched(sink: LogSink, onLog: (group: string, message: string) => void): LogSink {
  return {
    write(group, stream, events) {
      sink.write(group, stream, events);
      for (const { message } of events) onLog(group, message);
    },
  };
}
