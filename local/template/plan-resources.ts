/**
 * Reads templates into resources that can be made: every intrinsic resolved, in the order of their dependencies, and
 * everything that has no local meaning refused by name before anything is made. Pure.
 */
import { z } from 'zod';
import type { Identity, Properties, ResourceContext, ResourceKind } from '../service.ts';
import { NO_VALUE, resolve } from './intrinsics.ts';

export interface StackTemplate {
  readonly stackName: string;
  /** The CloudFormation template as CDK writes it. */
  readonly template: unknown;
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

export interface PlannedResource {
  readonly kind: ResourceKind;
  readonly properties: Properties;
  readonly identity: Identity;
  readonly context: ResourceContext;
}

/** Members of a resource beside its type and properties; they steer deployments and have no meaning here. */
const RESOURCE_MEMBERS = ['Type', 'Properties', 'DependsOn', 'Metadata', 'DeletionPolicy', 'UpdateReplacePolicy'];
/** `Rules` and `Parameters` come from CDK: they check and name the version of its bootstrap stack. */
const TEMPLATE_MEMBERS = ['Description', 'Resources', 'Outputs', 'Parameters', 'Rules', 'Metadata'];

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]),
});
type Resource = z.infer<typeof Resource>;

const Template = z.looseObject({
  Resources: z.record(z.string(), Resource).default({}),
  Outputs: z
    .record(z.string(), z.looseObject({ Value: z.unknown(), Export: z.looseObject({ Name: z.unknown() }).optional() }))
    .default({}),
  Parameters: z.record(z.string(), z.looseObject({ Default: z.unknown().optional() })).default({}),
});
type Template = z.infer<typeof Template>;

/** @throws Error with one line for each thing that is not supported */
export function planResources(
  stacks: readonly StackTemplate[],
  kinds: readonly ResourceKind[],
  place: Place,
): readonly PlannedResource[] {
  return new Planner(stacks, kinds, place).plan();
}

class Planner {
  readonly #place: Place;
  readonly #stacks: ReadonlyMap<string, Template>;
  readonly #kinds: ReadonlyMap<string, ResourceKind>;
  readonly #problems: string[] = [];
  readonly #planned = new Map<string, PlannedResource>();
  readonly #underWay = new Set<string>();

  constructor(stacks: readonly StackTemplate[], kinds: readonly ResourceKind[], place: Place) {
    this.#place = place;
    this.#kinds = new Map(kinds.map((kind) => [kind.type, kind]));
    this.#stacks = new Map(stacks.map(({ stackName, template }) => [stackName, this.#parse(stackName, template)]));
  }

  plan(): readonly PlannedResource[] {
    for (const [stackName, { Resources }] of this.#stacks) {
      for (const [logicalId, resource] of Object.entries(Resources)) this.#check(stackName, logicalId, resource);
    }
    if (this.#problems.length > 0) {
      throw new Error(`The template has what the local runtime does not run:\n${this.#problems.join('\n')}`);
    }
    for (const [stackName, { Resources }] of this.#stacks) {
      for (const logicalId of Object.keys(Resources)) this.#resource(stackName, logicalId);
    }
    // A map keeps the order of insertion, and a resource is inserted after all that it depends on.
    return [...this.#planned.values()];
  }

  #parse(stackName: string, template: unknown): Template {
    const parsed = Template.safeParse(template);
    if (!parsed.success) throw new Error(`${stackName}: not a template: ${z.prettifyError(parsed.error)}`);
    for (const member of Object.keys(parsed.data)) {
      if (!TEMPLATE_MEMBERS.includes(member)) this.#problems.push(`  ${stackName}: ${member}`);
    }
    return parsed.data;
  }

  #check(stackName: string, logicalId: string, resource: Resource): void {
    const where = `  ${stackName}/${logicalId}: ${resource.Type}`;
    const kind = this.#kinds.get(resource.Type);
    if (!kind) {
      this.#problems.push(where);
      return;
    }
    for (const member of Object.keys(resource)) {
      if (!RESOURCE_MEMBERS.includes(member)) this.#problems.push(`${where}, ${member}`);
    }
    const nullAt = pathOfNull(resource.Properties);
    if (nullAt !== undefined) this.#problems.push(`${where}, null at ${nullAt}, as CloudFormation refuses it`);
    for (const property of Object.keys(resource.Properties)) {
      if (!kind.executed.includes(property) && !Object.hasOwn(kind.inert, property)) {
        this.#problems.push(`${where}, property ${property}`);
      }
    }
  }

  #resource(stackName: string, logicalId: string): PlannedResource {
    const key = `${stackName}/${logicalId}`;
    const known = this.#planned.get(key);
    if (known) return known;
    const resource = this.#stacks.get(stackName)?.Resources[logicalId];
    const kind = resource && this.#kinds.get(resource.Type);
    if (!resource || !kind) throw new Error(`${stackName}: no resource ${logicalId}`);
    if (this.#underWay.has(key)) throw new Error(`${key} depends on itself: ${[...this.#underWay, key].join(' → ')}`);
    this.#underWay.add(key);
    for (const dependency of resource.DependsOn) this.#resource(stackName, dependency);
    const properties = this.#resolve(stackName, resource.Properties, key);
    const context: ResourceContext = { logicalId, stackName, ...this.#place };
    const planned = { kind, properties, identity: kind.identify(properties, context), context };
    this.#underWay.delete(key);
    this.#planned.set(key, planned);
    return planned;
  }

  #resolve(stackName: string, properties: Properties, where: string): Properties {
    try {
      const resolved = resolve(properties, this.#lookup(stackName));
      return z.record(z.string(), z.unknown()).parse(resolved);
    } catch (error) {
      throw new Error(`${where}: ${Error.isError(error) ? error.message : String(error)}`, { cause: error });
    }
  }

  #lookup(stackName: string) {
    return {
      ref: (name: string): unknown => this.#ref(stackName, name),
      attribute: (logicalId: string, attribute: string): unknown => {
        const { identity, kind } = this.#resource(stackName, logicalId);
        const value = identity.attributes[attribute];
        if (value !== undefined) return value;
        const known = Object.keys(identity.attributes).join(', ') || 'none';
        throw new Error(`Fn::GetAtt ${logicalId}.${attribute}: the local ${kind.type} has ${known}`);
      },
      importValue: (exportName: string): unknown => this.#exported(exportName),
    };
  }

  #ref(stackName: string, name: string): unknown {
    const pseudo: Readonly<Record<string, unknown>> = {
      'AWS::AccountId': this.#place.account,
      'AWS::Region': this.#place.region,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stackName,
      'AWS::NoValue': NO_VALUE,
    };
    if (Object.hasOwn(pseudo, name)) return pseudo[name];
    const template = this.#stacks.get(stackName);
    const parameter = template?.Parameters[name];
    if (parameter?.Default !== undefined) return parameter.Default;
    if (template?.Resources[name]) return this.#resource(stackName, name).identity.ref;
    throw new Error(`Ref ${name}: no resource, parameter with a default, or pseudo parameter has this name`);
  }

  #exported(exportName: string): unknown {
    for (const [stackName, { Outputs }] of this.#stacks) {
      const lookup = this.#lookup(stackName);
      for (const output of Object.values(Outputs)) {
        if (output.Export && resolve(output.Export.Name, lookup) === exportName) return resolve(output.Value, lookup);
      }
    }
    throw new Error(`Fn::ImportValue ${exportName}: no stack exports it`);
  }
}

/**
 * Where there is a null, if anywhere: `EventModel/Schema/enum/4`. CloudFormation takes none, at any depth:
 * https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1378
 */
function pathOfNull(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, member] of Object.entries(value)) {
    if (member === null) return key;
    const below = pathOfNull(member);
    if (below !== undefined) return `${key}/${below}`;
  }
  return undefined;
}
