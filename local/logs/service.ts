/**
 * CloudWatch Logs, as much as it takes to read what functions logged: groups, streams, put, get, filter.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
 */
import { z } from 'zod';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { LogSink } from '../ports.ts';
import { jsonProtocol } from '../protocol/json.ts';
import type { Environment, LocalService } from '../service.ts';
import { LogStore } from './log-store.ts';
import { logOperations } from './operations.ts';

/** A PutLogEvents call has at most 1 MiB of events; JSON escapes can make six bytes of one. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

const retention = z.coerce.number().int().positive().optional();

export interface LogsOptions {
  /** Gets a line when log events begin to be dropped, and one when that has ended. Default: standard error. */
  readonly warn?: (line: string) => void;
}

export function createLogsService(environment: Environment, options: LogsOptions = {}): LocalService & LogSink {
  const { account, region, clock } = environment;
  const warn = options.warn ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const store = new LogStore(environment.folder('logs'), clock, warn);
  const arnOf = (group: string): string => `arn:aws:logs:${region}:${account}:log-group:${group}`;
  const textOr = (given: unknown, derived: string): string => (typeof given === 'string' ? given : derived);

  const handle = jsonProtocol({
    service: 'logs',
    targetPrefix: 'Logs_20140328',
    version: '1.1',
    invalidInputCode: 'InvalidParameterException',
    bodyBytesMax: BODY_BYTES_MAX,
    operations: logOperations(store, arnOf),
  });

  return {
    scope: 'logs',
    write: (group, stream, events) => store.write(group, stream, events),
    handle,
    faults: new FaultSwitch({ scope: 'logs', clock, handle: () => handle }),
    resourceKinds: [
      {
        type: 'AWS::Logs::LogGroup',
        executed: ['LogGroupName', 'RetentionInDays'],
        inert: {
          DataProtectionPolicy: 'nothing is masked locally',
          DeletionProtectionEnabled: 'log groups cannot be deleted locally',
          FieldIndexPolicies: 'queries of Logs Insights are not served locally',
          KmsKeyId: 'nothing is encrypted locally',
          LogGroupClass: 'there is one class locally',
          ResourcePolicyDocument: 'access is not checked locally',
          Tags: 'no operation that is served locally reads them',
        },
        identify: (properties, context) => {
          const name = textOr(properties.LogGroupName, `${context.stackName}-${context.logicalId}`);
          return { ref: name, attributes: { Arn: `${arnOf(name)}:*` } };
        },
        create(properties, identity) {
          const days = retention.parse(properties.RetentionInDays);
          if (!store.createGroup(identity.ref, days)) store.setRetention(identity.ref, days);
        },
      },
      {
        type: 'AWS::Logs::LogStream',
        executed: ['LogGroupName', 'LogStreamName'],
        inert: {},
        identify: (properties, context) => ({
          ref: textOr(properties.LogStreamName, `${context.stackName}-${context.logicalId}`),
          attributes: {},
        }),
        create(properties, identity) {
          const group = z.string({ error: 'LogGroupName of a log stream is a name' }).parse(properties.LogGroupName);
          store.createStream(group, identity.ref);
        },
      },
    ],
    async stop() {
      store.close();
    },
  };
}
