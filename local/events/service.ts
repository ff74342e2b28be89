/**
 * EventBridge: the rules of the template on the default bus, which send events to queues.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
import { randomUUID } from 'node:crypto';
import type { EventBus, Queues } from '../ports.ts';
import { jsonProtocol } from '../protocol/json.ts';
import type { Environment, LocalService } from '../service.ts';
import { Deliveries } from './deliveries.ts';
import { eventOperations, type NewEvent } from './operations.ts';
import { identifyRule, parseRule, RULE_EXECUTED, RULE_INERT, type Rule } from './rule-definition.ts';

export interface EventsPorts {
  readonly queues: Queues;
  /** Gets one line for each event that is lost or late. Default: standard error. */
  readonly warn?: (line: string) => void;
}

/** PutEvents takes 256 KiB; JSON escapes can make six bytes of one. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** When `publish` returns, the event is in the queue of each rule that it matches. */
export function createEventsService(environment: Environment, ports: EventsPorts): LocalService & EventBus {
  const { account, region, clock } = environment;
  const rules = new Map<string, Rule>();
  const warn = ports.warn ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const deliveries = new Deliveries({ queues: ports.queues, clock, warn });

  function publish(event: NewEvent): string {
    const envelope = {
      version: '0',
      id: randomUUID(),
      'detail-type': event.detailType,
      source: event.source,
      account,
      time: `${new Date(event.timeMs ?? clock.now()).toISOString().slice(0, 19)}Z`,
      region,
      resources: event.resources,
      detail: event.detail,
    };
    const text = JSON.stringify(envelope);
    for (const rule of rules.values()) {
      if (!rule.isEnabled || !rule.matches(envelope)) continue;
      for (const target of rule.targets) deliveries.add(target.arn, text);
    }
    return envelope.id;
  }

  return {
    scope: 'events',
    publish: (event) => void publish(event),
    handle: jsonProtocol({
      service: 'events',
      targetPrefix: 'AWSEvents',
      version: '1.1',
      invalidInputCode: 'ValidationException',
      bodyBytesMax: BODY_BYTES_MAX,
      operations: eventOperations({ account, rules, publish }),
    }),
    resourceKinds: [
      {
        type: 'AWS::Events::Rule',
        executed: RULE_EXECUTED,
        inert: RULE_INERT,
        identify: identifyRule,
        async create(properties, identity, context) {
          const rule = parseRule(properties, identity, context);
          // A queue that is not there would lose every event: it is found out here.
          for (const target of rule.targets) await ports.queues.depth(target.arn);
          rules.set(rule.name, rule);
        },
      },
    ],
    idle: () => !deliveries.busy,
    stop: () => deliveries.stop(),
  };
}
