/** Athena: read-only SQL over the catalog's tables, as far as README.md says. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { Catalog, ObjectStore } from '../ports.ts';
import type { Environment, LocalService } from '../service.ts';
import { athenaOperations } from './operations.ts';
import { createQueryExecutions } from './query-execution.ts';
import { type WorkGroup, workGroupKind } from './work-group.ts';

export interface AthenaPorts {
  readonly catalog: Catalog;
  readonly objects: ObjectStore;
}

export function createAthenaService(environment: Environment, ports: AthenaPorts): LocalService {
  const stagingFolder = path.join(environment.folder('athena'), 'staging');
  const executions = createQueryExecutions(environment.clock);
  const workGroups = new Map<string, WorkGroup>();
  const { clock } = environment;
  const addWorkGroup = (group: WorkGroup): void => void workGroups.set(group.name, group);
  // Every account has this one.
  addWorkGroup({
    name: 'primary',
    description: '',
    createdAtMs: clock.now(),
    outputLocation: undefined,
    enforced: false,
    configuration: { EnforceWorkGroupConfiguration: false },
  });
  const handle = athenaOperations({ ...ports, executions, workGroups, stagingFolder });
  return {
    scope: 'athena',
    handle,
    faults: new FaultSwitch({ scope: 'athena', clock, handle: () => handle }),
    resourceKinds: [workGroupKind(addWorkGroup, () => clock.now())],
    start: () => rmSync(stagingFolder, { recursive: true, force: true }),
    idle: () => !executions.busy(),
    stop: () => executions.stop(),
  };
}
