import { describe, expect, it } from '@jest/globals';
import type { Properties, ResourceKind } from '../service.ts';
import { planResources, type StackTemplate } from './plan-resources.ts';

const PLACE = { account: '123456789012', region: 'eu-west-1' };

const kind = (type: string, more: Partial<ResourceKind> = {}): ResourceKind => ({
  type,
  executed: ['Name', 'Value', 'List'],
  inert: { Tags: 'tags have no effect' },
  identify: (properties, context) => ({
    ref: typeof properties.Name === 'string' ? properties.Name : context.logicalId,
    attributes: { Arn: `arn:aws:thing:${context.region}:${context.account}:${context.logicalId}` },
  }),
  ...more,
});
const KINDS = [kind('Test::Thing'), kind('Test::Other')];

const stack = (Resources: object, more: object = {}, stackName = 'Stack'): StackTemplate => ({
  stackName,
  template: { Resources, ...more },
});
const thing = (properties: object = {}, more: object = {}) => ({
  Type: 'Test::Thing',
  Properties: properties,
  ...more,
});

function propertiesOf(value: unknown, resources: object = {}, more: object = {}): unknown {
  const planned = planResources([stack({ ...resources, Subject: thing({ Value: value }) }, more)], KINDS, PLACE);
  return planned.find(({ context }) => context.logicalId === 'Subject')?.properties.Value;
}

describe('planResources', () => {
  it.each<[string, unknown, unknown]>([
    ['Ref of a resource', { Ref: 'Bucket' }, 'my-bucket'],
    ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
    ['Ref of a parameter, its default', { Ref: 'Version' }, '6'],
    ['Fn::GetAtt as a list', { 'Fn::GetAtt': ['Bucket', 'Arn'] }, 'arn:aws:thing:eu-west-1:123456789012:Bucket'],
    ['Fn::GetAtt as text', { 'Fn::GetAtt': 'Bucket.Arn' }, 'arn:aws:thing:eu-west-1:123456789012:Bucket'],
    ['Fn::Join', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::AccountId' }]] }, 'a-123456789012'],
    [
      'Fn::Sub',
      { 'Fn::Sub': `x-$\{Bucket}-$\{Bucket.Arn}-$\{!Kept}` },
      `x-my-bucket-arn:aws:thing:eu-west-1:123456789012:Bucket-$\{Kept}`,
    ],
    [
      'Fn::Sub with variables',
      { 'Fn::Sub': [`$\{A}/$\{AWS::Region}`, { A: { Ref: 'Bucket' } }] },
      'my-bucket/eu-west-1',
    ],
    ['Fn::Select of Fn::Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'Bucket' }] }] }, 'bucket'],
    ['AWS::NoValue in a list', ['a', { Ref: 'AWS::NoValue' }, 'b'], ['a', 'b']],
    ['AWS::NoValue as a member', { a: 1, b: { Ref: 'AWS::NoValue' } }, { a: 1 }],
    ['nested in data', { a: [{ b: { Ref: 'Bucket' } }] }, { a: [{ b: 'my-bucket' }] }],
  ])('resolves %s', (_name, value, expected) => {
    const parameters = { Parameters: { Version: { Type: 'String', Default: '6' } } };

    expect(propertiesOf(value, { Bucket: thing({ Name: 'my-bucket' }) }, parameters)).toEqual(expected);
  });

  it('resolves imports from another stack, whichever comes first', () => {
    const exporting = stack(
      { Shared: thing({ Name: 'shared' }) },
      { Outputs: { Out: { Value: { Ref: 'Shared' }, Export: { Name: 'Exporting:Shared' } } } },
      'Exporting',
    );
    const importing = stack({ User: thing({ Value: { 'Fn::ImportValue': 'Exporting:Shared' } }) }, {}, 'Importing');

    const planned = planResources([importing, exporting], KINDS, PLACE);

    expect(planned.map(({ context }) => context.logicalId)).toEqual(['Shared', 'User']);
    expect(planned[1]?.properties.Value).toBe('shared');
  });

  it('orders resources after those that they refer to or depend on', () => {
    const planned = planResources(
      [
        stack({
          A: thing({ Value: { Ref: 'B' } }),
          B: thing({}, { DependsOn: ['D', 'C'] }),
          C: thing({ Value: { 'Fn::Sub': `$\{D.Arn}` } }),
          D: thing(),
        }),
      ],
      KINDS,
      PLACE,
    );

    expect(planned.map(({ context }) => context.logicalId)).toEqual(['D', 'C', 'B', 'A']);
  });

  it.each<[string, Properties, RegExp]>([
    ['Fn::FindInMap', { 'Fn::FindInMap': ['a', 'b', 'c'] }, /Stack\/Subject: Fn::FindInMap is not resolved locally/],
    ['Fn::If', { 'Fn::If': ['a', 'b', 'c'] }, /Fn::If is not resolved locally\. Supported: Ref, Fn::GetAtt/],
    ['an unknown name', { Ref: 'Nobody' }, /Ref Nobody: no resource, parameter/],
    ['an unknown attribute', { 'Fn::GetAtt': ['Bucket', 'Colour'] }, /Bucket\.Colour: the local Test::Thing has Arn/],
    ['an unknown import', { 'Fn::ImportValue': 'x' }, /Fn::ImportValue x: no stack exports it/],
    ['a part that is no text', { 'Fn::Join': ['', [{ a: 1 }]] }, /Fn::Join: received \{"a":1\}, allowed: text/],
    ['an index outside its list', { 'Fn::Select': [2, ['a']] }, /received index 2, allowed: 0 to 0/],
  ])('refuses %s by name', (_name, value, message) => {
    expect(() => propertiesOf(value, { Bucket: thing({ Name: 'b' }) })).toThrow(message);
  });

  it('names everything that is not run, all at once', () => {
    const template = stack(
      {
        A: { Type: 'AWS::Moon::Base', Properties: {} },
        B: thing({ Colour: 'red', Value: { enum: ['a', null] }, Tags: [] }),
        C: thing({}, { Condition: 'IsProd' }),
      },
      { Conditions: { IsProd: {} } },
    );

    expect(() => planResources([template], KINDS, PLACE)).toThrow(
      [
        'The template has what the local runtime does not run:',
        '  Stack: Conditions',
        '  Stack/A: AWS::Moon::Base',
        '  Stack/B: Test::Thing, null at Value/enum/1, as CloudFormation refuses it',
        '  Stack/B: Test::Thing, property Colour',
        '  Stack/C: Test::Thing, Condition',
      ].join('\n'),
    );
  });

  it('refuses resources that depend on themselves, naming the way round', () => {
    const template = stack({ A: thing({ Value: { Ref: 'B' } }), B: thing({ Value: { Ref: 'A' } }) });

    expect(() => planResources([template], KINDS, PLACE)).toThrow(/Stack\/A → Stack\/B → Stack\/A/);
  });
});
