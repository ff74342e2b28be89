/**
 * EventBridge: the rules of the template on the default bus, which send events to queues and invoke functions on a schedule.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
import { randomUUID } from 'node:crypto';
import type { Timer } from '../clock.ts';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { EventBus, Functions, Queues } from '../ports.ts';
import { jsonProtocol } from '../protocol/json.ts';
import { startRecurrence } from '../recurrence/start-recurrence.ts';
import { AwsError, type Environment, type LocalService } from '../service.ts';
import { eventOperations, type NewEvent } from './operations.ts';
import {
  identifyRule,
  parseRule,
  RULE_EXECUTED,
  RULE_INERT,
  type Rule,
  type ScheduleTrigger,
} from './rule-definition.ts';

export interface EventsPorts {
  readonly queues: Queues;
  readonly functions: Functions;
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
  const schedules: (() => Timer)[] = [];
  let running: readonly Timer[] = [];
  const warn = ports.warn ?? ((line: string) => void process.stderr.write(`${line}\n`));

  const envelopeOf = (event: NewEvent) => ({
    version: '0',
    id: randomUUID(),
    'detail-type': event.detailType,
    source: event.source,
    account,
    time: `${new Date(event.timeMs ?? clock.now()).toISOString().slice(0, 19)}Z`,
    region,
    resources: event.resources,
    detail: event.detail,
  });

  async function publish(event: NewEvent): Promise<string> {
    const envelope = envelopeOf(event);
    const text = JSON.stringify(envelope);
    const matching = [...rules.values()].filter(
      ({ isEnabled, trigger }) => isEnabled && trigger.kind === 'event' && trigger.matches(envelope),
    );
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

  /** Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html */
  function addSchedule({ arn, isEnabled, targets }: Rule, schedule: ScheduleTrigger): void {
    const invoke = targets.map((target) => ports.functions.asynchronously(target.arn));
    if (!isEnabled) return;
    schedules.push(() =>
      startRecurrence(schedule, clock, (timeMs) => {
        const event = envelopeOf({
          source: 'aws.events',
          detailType: 'Scheduled Event',
          resources: [arn],
          detail: {},
          timeMs,
        });
        for (const run of invoke) run(JSON.stringify(event));
      }),
    );
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
          // A queue or function that is not there would lose every event: it is found out here.
          if (rule.trigger.kind === 'schedule') addSchedule(rule, rule.trigger);
          else for (const target of rule.targets) await ports.queues.depth(target.arn);
          rules.set(rule.name, rule);
        },
      },
    ],
    start() {
      running = schedules.map((start) => start());
    },
    async stop() {
      for (const timer of running) timer.cancel();
    },
  };
}
