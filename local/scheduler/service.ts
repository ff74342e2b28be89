/**
 * EventBridge Scheduler: the schedules of the template, each of which sends a message to a queue at its times.
 * Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
 */
import type { Timer } from '../clock.ts';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { Queues } from '../ports.ts';
import { startRecurrence } from '../recurrence/start-recurrence.ts';
import type { Environment, LocalService } from '../service.ts';
import { invoke } from './invocation.ts';
import { createSchedulerOperations, type ScheduleGroup } from './operations.ts';
import {
  DEFAULT_GROUP,
  groupArn,
  identifyGroup,
  identifySchedule,
  parseSchedule,
  SCHEDULE_EXECUTED,
  SCHEDULE_INERT,
  type ScheduleDefinition,
} from './schedule-definition.ts';

export interface SchedulerPorts {
  readonly queues: Queues;
  /** Gets one line for each message that neither its queue nor the dead-letter queue took. Default: standard error. */
  readonly warn?: (line: string) => void;
}

export function createSchedulerService(environment: Environment, ports: SchedulerPorts): LocalService {
  const { clock } = environment;
  const schedules = new Map<string, ScheduleDefinition>();
  const groups = new Map<string, ScheduleGroup>();
  let running: readonly Timer[] = [];
  const warn = ports.warn ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const addGroup = (name: string): void => void groups.set(name, { name, arn: groupArn(name, environment) });
  addGroup(DEFAULT_GROUP);

  const handle = createSchedulerOperations({
    schedules: () => [...schedules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, schedule]) => schedule),
    groups: () => [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    startedAtMs: clock.now(),
  });

  async function add(schedule: ScheduleDefinition, logicalId: string): Promise<void> {
    if (!groups.has(schedule.groupName)) {
      const known = [...groups.keys()].join(', ');
      throw new Error(
        `${logicalId} (AWS::Scheduler::Schedule): GroupName: received ${schedule.groupName}, here: ${known}`,
      );
    }
    // A queue that is not there would lose every message: it is found out here.
    for (const arn of [schedule.target.arn, schedule.target.deadLetterArn]) {
      if (arn !== undefined) await ports.queues.depth(arn);
    }
    schedules.set(`${schedule.groupName}/${schedule.name}`, schedule);
  }

  return {
    scope: 'scheduler',
    handle,
    faults: new FaultSwitch({ scope: 'scheduler', clock, handle: () => handle }),
    resourceKinds: [
      {
        type: 'AWS::Scheduler::ScheduleGroup',
        executed: ['Name'],
        inert: { Tags: 'no operation that is served locally reads them' },
        identify: identifyGroup,
        create: (_properties, identity) => addGroup(identity.ref),
      },
      {
        type: 'AWS::Scheduler::Schedule',
        executed: SCHEDULE_EXECUTED,
        inert: SCHEDULE_INERT,
        identify: identifySchedule,
        create: (properties, identity, context) => add(parseSchedule(properties, identity, context), context.logicalId),
      },
    ],
    start() {
      running = [...schedules.values()]
        .filter(({ isEnabled }) => isEnabled)
        .map((schedule) =>
          startRecurrence(schedule.recurrence, clock, (dueMs) => {
            void invoke(schedule, dueMs, { queues: ports.queues, clock, warn });
          }),
        );
    },
    async stop() {
      for (const timer of running) timer.cancel();
    },
  };
}
