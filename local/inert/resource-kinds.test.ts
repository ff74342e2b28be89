import { describe, expect, it } from '@jest/globals';
import type { Identity, Properties } from '../service.ts';
import { inertResourceKinds } from './resource-kinds.ts';

const CONTEXT = { logicalId: 'Subject', stackName: 'Stack', account: '123456789012', region: 'eu-west-1' };

function identify(type: string, properties: Properties = {}, logicalId = CONTEXT.logicalId): Identity {
  const kind = inertResourceKinds().find((candidate) => candidate.type === type);
  if (!kind) throw new Error(`no kind ${type}`);
  return kind.identify(properties, { ...CONTEXT, logicalId });
}

describe('a resource without local effect', () => {
  it('makes nothing, executes nothing, and has a reason for each property', () => {
    for (const kind of inertResourceKinds()) {
      expect(kind.create).toBeUndefined();
      expect(kind.executed).toEqual([]);
      expect(Object.values(kind.inert).every((reason) => reason.length > 10)).toBe(true);
    }
  });

  it.each<[string, Properties, object]>([
    [
      'AWS::IAM::Role',
      { RoleName: 'reader', Path: '/service/' },
      {
        ref: 'reader',
        attributes: {
          Arn: 'arn:aws:iam::123456789012:role/service/reader',
          RoleId: expect.stringMatching(/^AROA[0-9A-F]{17}$/),
        },
      },
    ],
    ['AWS::IAM::Policy', { PolicyName: 'p' }, { ref: 'Stack-Subject', attributes: { Id: 'Stack-Subject' } }],
    [
      'AWS::IAM::ManagedPolicy',
      {},
      {
        ref: 'arn:aws:iam::123456789012:policy/Stack-Subject',
        attributes: { PolicyArn: 'arn:aws:iam::123456789012:policy/Stack-Subject' },
      },
    ],
    ['AWS::KMS::Alias', { AliasName: 'alias/lake' }, { ref: 'alias/lake', attributes: {} }],
    [
      'AWS::CloudWatch::Alarm',
      { AlarmName: 'residual' },
      { ref: 'residual', attributes: { Arn: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:residual' } },
    ],
    ['AWS::CDK::Metadata', {}, { ref: 'Stack-Subject', attributes: {} }],
  ])('%s has the Ref and attributes that CloudFormation documents', (type, properties, identity) => {
    expect(identify(type, properties)).toEqual(identity);
  });

  it('names a role of its own accord within 64 characters, and always the same', () => {
    const first = identify('AWS::IAM::Role', {}, 'Long'.repeat(30));
    const other = identify('AWS::IAM::Role', {}, `${'Long'.repeat(30)}er`);

    expect(first.ref).toHaveLength(64);
    expect(identify('AWS::IAM::Role', {}, 'Long'.repeat(30))).toEqual(first);
    expect(other.ref).not.toBe(first.ref);
  });

  it('gives a key an id that is a UUID, follows from its place, and is in its ARN', () => {
    const { ref, attributes } = identify('AWS::KMS::Key');

    expect(ref).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(attributes).toEqual({ Arn: `arn:aws:kms:eu-west-1:123456789012:key/${ref}`, KeyId: ref });
    expect(identify('AWS::KMS::Key').ref).toBe(ref);
    expect(identify('AWS::KMS::Key', {}, 'Other').ref).not.toBe(ref);
  });

  it('refuses an alias whose name is none', () => {
    expect(() => identify('AWS::KMS::Alias', { AliasName: 'lake' })).toThrow(
      /AliasName: alias\/ and .* received "lake"/,
    );
    expect(() => identify('AWS::KMS::Alias')).toThrow('received nothing');
  });
});
