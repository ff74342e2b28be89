/** The resource types of a template that Lambda makes real. */
import type { ResourceKind } from '../service.ts';
import {
  FUNCTION_EXECUTED,
  FUNCTION_INERT,
  type FunctionDefinition,
  identifyFunction,
  parseFunction,
} from './function-definition.ts';
import {
  identifyMapping,
  MAPPING_EXECUTED,
  MAPPING_INERT,
  type MappingDefinition,
  parseMapping,
} from './mapping-definition.ts';

export interface LambdaResources {
  readonly addFunction: (definition: FunctionDefinition) => void;
  readonly addMapping: (definition: MappingDefinition) => void;
}

const PERMISSION_PROPERTIES = [
  'Action',
  'EventSourceToken',
  'FunctionName',
  'FunctionUrlAuthType',
  'Principal',
  'PrincipalOrgID',
  'SourceAccount',
  'SourceArn',
];

export function lambdaResourceKinds(resources: LambdaResources): readonly ResourceKind[] {
  return [
    {
      type: 'AWS::Lambda::Function',
      executed: FUNCTION_EXECUTED,
      inert: FUNCTION_INERT,
      identify: identifyFunction,
      create: (properties, identity, context) => resources.addFunction(parseFunction(properties, identity, context)),
    },
    {
      type: 'AWS::Lambda::EventSourceMapping',
      executed: MAPPING_EXECUTED,
      inert: MAPPING_INERT,
      identify: identifyMapping,
      create: (properties, identity, context) => resources.addMapping(parseMapping(properties, identity, context)),
    },
    {
      type: 'AWS::Lambda::Permission',
      executed: [],
      inert: Object.fromEntries(PERMISSION_PROPERTIES.map((name) => [name, 'access is not checked locally'])),
      identify: (_properties, context) => ({ ref: `${context.stackName}-${context.logicalId}`, attributes: {} }),
    },
  ];
}
