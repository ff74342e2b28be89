import { describe, expect, it } from '@jest/globals';
import type { Schema } from 'avsc';
import { canonicalForm, crc64Avro, schemaFingerprint } from './canonical-form.ts';
import { datasets } from './index.ts';

describe('schemaFingerprint', () => {
  it('is the specification’s for the schema "null"', () => {
    expect(BigInt.asIntN(64, schemaFingerprint('null'))).toBe(7195948357588979594n);
  });

  it('is the empty value for no bytes', () => {
    expect(crc64Avro(new Uint8Array())).toBe(0xc15d213aa4d7a795n);
  });

  it('does not change with documentation, defaults, aliases or the order of attributes', () => {
    const plain: Schema = { type: 'record', name: 'a.R', fields: [{ name: 'x', type: 'int' }] };
    const documented: unknown = {
      fields: [{ default: 1, doc: 'x', type: { type: 'int' }, name: 'x', aliases: ['y'] }],
      doc: 'R',
      namespace: 'a',
      name: 'R',
      type: 'record',
    };

    expect(canonicalForm(documented as Schema)).toBe(
      '{"name":"a.R","type":"record","fields":[{"name":"x","type":"int"}]}',
    );
    expect(schemaFingerprint(documented as Schema)).toBe(schemaFingerprint(plain));
  });

  it('changes with a field', () => {
    const one: Schema = { type: 'record', name: 'R', fields: [{ name: 'x', type: 'int' }] };
    const other: Schema = { type: 'record', name: 'R', fields: [{ name: 'x', type: 'long' }] };

    expect(schemaFingerprint(one)).not.toBe(schemaFingerprint(other));
  });
});

describe('singleObjectHeader', () => {
  it('is the marker and the little-endian fingerprint', () => {
    for (const { singleObjectHeader, schemaVersion } of datasets.values()) {
      const bytes = Buffer.from(singleObjectHeader);

      expect(bytes.subarray(0, 2).toString('hex')).toBe('c301');
      expect(bytes.readBigUInt64LE(2).toString(16).padStart(16, '0')).toBe(schemaVersion);
      expect(bytes).toHaveLength(10);
    }
  });

  it('has the byte order of the specification: 8a8f25cce724dd63 for "null"', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(schemaFingerprint('null'));

    expect(bytes.toString('hex')).toBe('8a8f25cce724dd63');
  });
});
