/** What the templates allow, as lines that can be compared whole: one for each action on each resource. */
import type { Template } from 'aws-cdk-lib/assertions';
import type { Synthesized } from './synthesize.ts';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

interface Document {
  readonly Statement: readonly Statement[];
}

interface Reference {
  readonly Ref?: string;
  readonly 'Fn::GetAtt'?: readonly [string, string];
}

/** The properties that are read here, of whatever type of resource has them. */
interface Properties {
  readonly [name: string]: unknown;
  readonly AssumeRolePolicyDocument?: Document;
  readonly ManagedPolicyArns?: readonly unknown[];
  readonly Policies?: readonly { readonly PolicyDocument: Document }[];
  readonly PolicyDocument?: Document;
  readonly KeyPolicy?: Document;
  readonly Roles?: readonly Reference[];
  readonly Role?: Reference;
  readonly RoleARN?: Reference;
  readonly ExtendedS3DestinationConfiguration?: { readonly RoleARN?: Reference };
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Properties;
}

type Resources = Readonly<Record<string, Resource>>;

/** Properties that give a resource its physical name, by which its ARN is written here. */
const NAMES = ['Name', 'BucketName', 'TableName', 'QueueName', 'FunctionName', 'DeliveryStreamName', 'LogGroupName'];
/** What holds a statement. `Role` and `Policy` belong to roles, the others to the resource that they protect. */
const ROLE_TYPES = ['AWS::IAM::Role', 'AWS::IAM::Policy'];
/** Grants by its properties, and not by a document. */
const PERMISSION_TYPE = 'AWS::Lambda::Permission';
const RESOURCE_POLICY_TYPES = ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::KMS::Key'];

/**
 * By the name of the function or delivery stream that takes the role (a role that nothing takes: by its logical id):
 * `trusts <service>`, and `<action> on <resource>`, sorted. A condition, a denial or a managed policy is a line too.
 * @throws Error when a template grants by a resource that is not read here
 */
export function grantedPermissions({ stateful, pipeline }: Synthesized): Record<string, readonly string[]> {
  const render = renderer(stateful, pipeline);
  const granted: Record<string, readonly string[]> = {};
  for (const template of [stateful, pipeline]) {
    const resources = resourcesOf(template);
    refuseOtherGrants(resources);
    for (const [id, { Type, Properties = {} }] of Object.entries(resources)) {
      if (Type !== 'AWS::IAM::Role') continue;
      granted[takerOf(id, resources)] = [
        ...statementsOf(Properties.AssumeRolePolicyDocument).map(({ Principal }) => `trusts ${render(Principal)}`),
        ...(Properties.ManagedPolicyArns ?? []).map((arn) => `managed policy ${render(arn)}`),
        ...[...(Properties.Policies ?? []), ...attachedTo(id, resources)]
          .flatMap(({ PolicyDocument }) => statementsOf(PolicyDocument))
          .flatMap((statement) => lines(statement, render)),
      ].sort();
    }
  }
  return granted;
}

/** `<resource>: <principal> <action>`, sorted, for what resources allow by themselves; denials are left out. */
export function admittedPrincipals({ stateful, pipeline }: Synthesized): readonly string[] {
  const render = renderer(stateful, pipeline);
  const resources = [stateful, pipeline].flatMap((template) => Object.entries(resourcesOf(template)));
  const permissions = resources
    .filter(([, { Type }]) => Type === PERMISSION_TYPE)
    .map(([, { Properties: { Action, FunctionName, Principal, ...conditions } = {} }]) => {
      const statement = { Effect: 'Allow', Action: String(Action), Resource: FunctionName, Condition: conditions };
      return `${render(Principal)} ${lines(statement, render)}`;
    });
  const policies = resources
    .filter(([, { Type }]) => RESOURCE_POLICY_TYPES.includes(Type))
    .flatMap(([id, { Properties }]) =>
      statementsOf(Properties?.PolicyDocument ?? Properties?.KeyPolicy)
        .filter(({ Effect }) => Effect === 'Allow')
        .flatMap((statement) => {
          const who = `${withoutHash(id)}: ${render(statement.Principal)}`;
          return lines(statement, render).map((line) => `${who} ${line}`);
        }),
    );
  return [...permissions, ...policies].sort();
}

function statementsOf(document: Document | undefined): readonly Statement[] {
  return document?.Statement ?? [];
}

function attachedTo(role: string, resources: Resources): Properties[] {
  return Object.values(resources)
    .filter(({ Type, Properties }) => Type === 'AWS::IAM::Policy' && Properties?.Roles?.some(({ Ref }) => Ref === role))
    .map(({ Properties = {} }) => Properties);
}

function lines({ Effect, Action, Resource, Condition }: Statement, render: (value: unknown) => string): string[] {
  const effect = Effect === 'Allow' ? '' : `${Effect} `;
  const condition = Condition === undefined ? '' : ` if ${render(Condition)}`;
  return [Action]
    .flat()
    .flatMap((action) => [Resource].flat().map((resource) => `${effect}${action} on ${render(resource)}${condition}`));
}

function refuseOtherGrants(resources: Resources): void {
  const others = Object.values(resources)
    .map(({ Type }) => Type)
    .filter((type) => /^AWS::IAM::|Policy$|Permission/.test(type))
    .filter((type) => ![...ROLE_TYPES, ...RESOURCE_POLICY_TYPES, PERMISSION_TYPE].includes(type));
  if (others.length > 0) throw new Error(`grants: received ${others.join(', ')}, read: ${ROLE_TYPES.join(', ')}`);
}

function takerOf(role: string, resources: Resources): string {
  const takers = Object.values(resources).filter(({ Properties }) => {
    const taken = Properties?.Role ?? Properties?.RoleARN ?? Properties?.ExtendedS3DestinationConfiguration?.RoleARN;
    return taken?.['Fn::GetAtt']?.[0] === role;
  });
  return takers.map((taker) => nameOf(taker)).join(' and ') || withoutHash(role);
}

/** Text of a value: pseudo parameters by name, other resources by type and physical name, over both stacks. */
function renderer(...templates: readonly Template[]): (value: unknown) => string {
  const resources: Resources = Object.assign({}, ...templates.map(resourcesOf));
  const exports = new Map(
    templates.flatMap((template) =>
      Object.values(template.toJSON().Outputs ?? {}).map((output) => {
        const { Value, Export } = output as { Value: unknown; Export?: { Name: string } };
        return [Export?.Name, Value] as const;
      }),
    ),
  );
  const render = (value: unknown): string => {
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
    if (others.length > 0) return JSON.stringify(value);
    if (name === 'Ref') return String(argument).replace(/^AWS::/, '');
    if (name === 'Fn::Join') return argument[1].map(render).join(argument[0]);
    if (name === 'Fn::ImportValue') return render(exports.get(argument) ?? `no export ${argument}`);
    if (name !== 'Fn::GetAtt') return `${name}: ${render(argument)}`;
    const found = resources[argument[0]];
    if (!found || argument[1] !== 'Arn') return JSON.stringify(value);
    return `${found.Type.split('::').at(-1)} ${nameOf(found, render) ?? withoutHash(argument[0])}`;
  };
  return render;
}

function nameOf({ Properties }: Resource, render: (value: unknown) => string = String): string | undefined {
  const name = NAMES.map((property) => Properties?.[property]).find((value) => value !== undefined);
  return name === undefined ? undefined : render(name);
}

function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

function resourcesOf(template: Template): Resources {
  return template.toJSON().Resources;
}
