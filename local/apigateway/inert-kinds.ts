/** What belongs to an API and has no effect locally as a whole: the account's log role, and the web application firewall. */
import type { ResourceKind } from '../service.ts';
import { derivedId } from './identity.ts';

const FIREWALL = 'requests are not filtered locally';

export function inertGatewayKinds(): readonly ResourceKind[] {
  return [
    {
      type: 'AWS::ApiGateway::Account',
      executed: [],
      inert: { CloudWatchRoleArn: 'access is not checked locally' },
      identify: (_properties, context) => ({ ref: derivedId(context), attributes: { Id: derivedId(context) } }),
    },
    {
      type: 'AWS::WAFv2::WebACL',
      executed: [],
      inert: each(FIREWALL, [
        'AssociationConfig',
        'CaptchaConfig',
        'ChallengeConfig',
        'CustomResponseBodies',
        'DataProtectionConfig',
        'DefaultAction',
        'Description',
        'Name',
        'Rules',
        'Scope',
        'Tags',
        'TokenDomains',
        'VisibilityConfig',
      ]),
      identify(properties, context) {
        const name = typeof properties.Name === 'string' ? properties.Name : context.logicalId;
        const id = derivedId(context);
        const arn = `arn:aws:wafv2:${context.region}:${context.account}:regional/webacl/${name}/${id}`;
        const attributes = {
          Arn: arn,
          Capacity: '0',
          Id: id,
          LabelNamespace: `awswaf:${context.account}:webacl:${name}:`,
        };
        return { ref: `${name}|${id}|${String(properties.Scope)}`, attributes };
      },
    },
    {
      type: 'AWS::WAFv2::WebACLAssociation',
      executed: [],
      inert: each(FIREWALL, ['ResourceArn', 'WebACLArn']),
      identify: (properties) => ({
        ref: `${String(properties.WebACLArn)}|${String(properties.ResourceArn)}`,
        attributes: {},
      }),
    },
  ];
}

function each(reason: string, properties: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(properties.map((name) => [name, reason]));
}
