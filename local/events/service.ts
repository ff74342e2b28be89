/**
 * EventBridge: the rules of the template on the default bus, which send events to queues.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
import { randomUUID } from 'node:crypto';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { EventBus, Queues } from '../ports.ts';
import { jsonProtocol } from '../protocol/json.ts';
import { AwsError, type Environment, type LocalService } from '../service.ts';
import { eventOperations, type NewEvent } from './operations.ts';
import { identifyRule, parseRule, RULE_EXECUTED, RULE_INERT, type Rule } from './rule-definition.ts';

export interface EventsPorts {
  readonly queues: Queues;
  /** Gets one line for each event that a queue did not take. Default: standard error. */
  readonly warn?: (line: string) => void;
}

/** PutEvents takes 256 KiB; JSON escapes can make six bytes of one. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/**
 * When `publish` returns, the event is in the queue of each rule that it matches, and it resolves. It rejects when a queue
 * could not write; events are kept nowhere else, so that whoever published it has to do so again.
 */
export function createEventsService(environment: Environment, ports: EventsPorts): LocalService & EventBus {
  const { account, region, clock } = environment;
  const rules = new Map<string, Rule>();
  const warn = ports.warn ?? ((line: string) => void process.stderr.write(`${line}\n`));

  async function publish(event: NewEvent): Promise<string> {
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
    const matching = [...rules.values()].filter((rule) => rule.isEnabled && rule.matches(envelope));
    // All are called before one is waited for: this is what makes an event durable once the call has returned.
    const sent = await Promise.allSettled(matching.flatMap(({ targets }) => targets.map(({ arn }) => send(arn, text))));
    for (const result of sent) if (result.status === 'rejected') throw result.reason;
    return envelope.id;
  }

  async function send(queueArn: string, event: string): Promise<void> {
    try {
      await ports.queues.send(queueArn, event);
    } catch (error) {
      // A queue that refuses the message for what it is will refuse it again.
      const isFinal = error instanceof AwsError && error.status < 500;
      warn(`EventBridge to ${queueArn}: ${String(error)}; ${isFinal ? 'lost' : 'not sent'}: ${event}`);
      if (!isFinal) throw error;
    }
  }

  const faults = new FaultSwitch({ scope: 'events', clock, handle: () => handle, batches: ['PutEvents'] });
  const handle = jsonProtocol({
    service: 'events',
    targetPrefix: 'AWSEvents',
    version: '1.1',
    invalidInputCode: 'ValidationException',
    bodyBytesMax: BODY_BYTES_MAX,
    operations: eventOperations({ account, rules, publish, rejects: () => faults.rejects('PutEvents') }),
  });

  return {
    scope: 'events',
    publish: async (event) => void (await publish(event)),
    handle,
    faults,
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
  };
}
