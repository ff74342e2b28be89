// The layer table of CONTRIBUTING.md, enforced. Each rule says what a layer must NOT import.
const stages = '^processors/stages/';
const pureBuiltins = '^(node:)?(buffer|zlib|crypto)$';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'schemas-import-avsc-only',
      severity: 'error',
      from: { path: '^schemas/', pathNot: '\\.test(-d)?\\.ts$' },
      to: { pathNot: ['^schemas/', '^node_modules/avsc/', pureBuiltins] },
    },
    {
      name: 'streams-core',
      comment:
        'Envelope, codecs, aggregation, replay frame and tape know schemas, avsc, aws-kinesis-agg and node: only.',
      severity: 'error',
      from: {
        path: '^streams/(envelope|codecs|aggregation|position|event-id|identity|replay-frame|tape)',
        pathNot: '\\.test(-d)?\\.ts$',
      },
      to: {
        pathNot: [
          '^schemas/',
          '^streams/(envelope|codecs|aggregation|position|event-id|identity|replay-frame|tape)',
          '^node_modules/(avsc|aws-kinesis-agg)/',
          pureBuiltins,
        ],
      },
    },
    {
      name: 'ingest-reads-files',
      comment:
        'Readers know schemas, codecs, the limits of a Kinesis record, libraries of formats and node:, and no port but their own.',
      severity: 'error',
      from: { path: '^streams/ingest/', pathNot: '\\.test(-d)?\\.ts$' },
      to: {
        pathNot: [
          '^schemas/',
          '^streams/(ingest|codecs)/',
          '^streams/producer/limits\\.ts$',
          '^node_modules/(csv-parse|hyparquet)/',
          pureBuiltins,
          '^(node:)?(util|stream)$',
        ],
      },
    },
    {
      name: 'streams-know-no-later-layer',
      severity: 'error',
      from: { path: '^streams/' },
      to: { path: '^(processors|batch|infra|local|cli|bench|tools)/' },
    },
    {
      name: 'stages-are-pure',
      comment: 'A stage is a pure, synchronous function: no rxjs, SDK, clock, randomness or process.env.',
      severity: 'error',
      from: { path: stages, pathNot: '\\.test(-d)?\\.ts$' },
      to: {
        pathNot: [
          stages,
          '^schemas/',
          '^streams/(envelope|codecs|aggregation|identity|position|event-id|replay-frame)',
          '^(node:)?buffer$',
        ],
      },
    },
    {
      name: 'composition-knows-ports-only',
      severity: 'error',
      from: { path: '^processors/[^/]+\\.ts$', pathNot: '\\.test(-d)?\\.ts$' },
      to: { path: ['^node_modules/@aws-sdk/', '^(infra|local|cli|bench|tools)/', '^processors/(adapters|handlers)/'] },
    },
    {
      name: 'runtime-knows-no-shell',
      severity: 'error',
      from: { path: '^(processors|batch)/' },
      to: { path: '^(infra|local|cli|bench|tools)/' },
    },
    {
      name: 'infra-names-handlers-by-path',
      severity: 'error',
      from: { path: '^infra/', pathNot: '\\.test(-d)?\\.ts$' },
      to: { path: '^(streams|processors|batch|local|cli|bench|tools)/' },
    },
    {
      name: 'local-knows-the-template-only',
      severity: 'error',
      from: { path: '^local/', pathNot: '\\.test(-d)?\\.ts$' },
      to: { path: '^(schemas|streams|processors|batch|infra|cli|bench|tools)/' },
    },
    {
      name: 'cli-layer',
      comment: 'Only cli/start composes the local runtime with the synthesized app.',
      severity: 'error',
      from: { path: '^cli/', pathNot: '(^cli/start|\\.test(-d)?\\.ts$)' },
      to: { path: '^(processors|batch|infra|local|bench|tools)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(build|cdk\\.out|coverage)/' },
    parser: 'swc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'require', 'default'],
    },
  },
};
