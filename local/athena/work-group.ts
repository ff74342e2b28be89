/** AWS::Athena::WorkGroup as it is run here. */
import { z } from 'zod';
import type { Properties, ResourceKind } from '../service.ts';

export interface WorkGroup {
  readonly name: string;
  readonly description: string;
  readonly createdAtMs: number;
  /** Where results go, ending in `/`; undefined when each query must say. */
  readonly outputLocation: string | undefined;
  /** True when the workgroup's location counts whatever a query says. */
  readonly enforced: boolean;
  /** WorkGroupConfiguration as the template gives it, for GetWorkGroup. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

const WorkGroupProperties = z.looseObject({
  Name: z.string(),
  Description: z.string().default(''),
  WorkGroupConfiguration: z
    .looseObject({
      EnforceWorkGroupConfiguration: z.boolean().default(true),
      ResultConfiguration: z.looseObject({ OutputLocation: z.string().optional() }).optional(),
    })
    .default({ EnforceWorkGroupConfiguration: true }),
});

export function workGroupKind(add: (group: WorkGroup) => void, now: () => number): ResourceKind {
  return {
    type: 'AWS::Athena::WorkGroup',
    executed: ['Name', 'Description', 'WorkGroupConfiguration'],
    inert: {
      RecursiveDeleteOption: 'nothing is deleted locally',
      State: 'a workgroup is always enabled',
      Tags: 'tags have no effect',
    },
    identify: (properties) => ({ ref: String(properties.Name), attributes: {} }),
    create: (properties) => add(parseWorkGroup(properties, now())),
  };
}

function parseWorkGroup(properties: Properties, createdAtMs: number): WorkGroup {
  const { Name, Description, WorkGroupConfiguration: configuration } = WorkGroupProperties.parse(properties);
  return {
    name: Name,
    description: Description,
    createdAtMs,
    outputLocation: withSlash(configuration.ResultConfiguration?.OutputLocation),
    enforced: configuration.EnforceWorkGroupConfiguration,
    configuration,
  };
}

export function withSlash(location: string | undefined): string | undefined {
  return location === undefined || location === '' ? undefined : location.replace(/\/?$/, '/');
}
