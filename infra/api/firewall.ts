/**
 * A web ACL before the API: addresses of ill repute, and more requests of one address than a client needs. No rule that looks
 * into bodies: an event may hold any text, and may be longer than the 8 KB that such a rule lets through.
 */
import type { Stage } from 'aws-cdk-lib/aws-apigateway';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { NAMES } from '../names.ts';

/** Within five minutes: waf/latest/developerguide/waf-rule-statement-type-rate-based.html */
const REQUESTS_OF_ONE_ADDRESS_MAX = 300_000;

const metric = (metricName: string) => ({
  cloudWatchMetricsEnabled: true,
  metricName,
  // Samples keep headers, and keys and signatures with them.
  sampledRequestsEnabled: false,
});

export class Firewall extends Construct {
  constructor(scope: Construct, id: string, { stage }: { readonly stage: Stage }) {
    super(scope, id);
    const acl = new CfnWebACL(this, 'WebAcl', {
      name: NAMES.api,
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: metric(NAMES.api),
      rules: [
        {
          name: 'reputation',
          priority: 0,
          statement: {
            managedRuleGroupStatement: { vendorName: 'AWS', name: 'AWSManagedRulesAmazonIpReputationList' },
          },
          overrideAction: { none: {} },
          visibilityConfig: metric(`${NAMES.api}-reputation`),
        },
        {
          name: 'rate',
          priority: 1,
          statement: { rateBasedStatement: { limit: REQUESTS_OF_ONE_ADDRESS_MAX, aggregateKeyType: 'IP' } },
          action: { block: {} },
          visibilityConfig: metric(`${NAMES.api}-rate`),
        },
      ],
    });
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stage.stageArn, webAclArn: acl.attrArn });
  }
}
