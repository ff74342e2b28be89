import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ENVIRONMENTS, parseEnvironment, readOverrides, settingsOf, unusedOverrides } from './settings.ts';

describe('settingsOf', () => {
  it.each(ENVIRONMENTS)(
    'retries records for at least 72 hours in %s, and less long than the stream keeps them',
    (name) => {
      const { processor, stream } = settingsOf(name);

      expect(processor.recordAgeMax.toHours()).toBeGreaterThanOrEqual(72);
      expect(processor.recordAgeMax.toHours()).toBeLessThan(stream.retention.toHours());
    },
  );

  it('exercises two shards locally, and leaves capacity to Kinesis in production', () => {
    expect(settingsOf('local').stream.capacity).toBe(2);
    expect(settingsOf('prod').stream.capacity).toBe('on-demand');
  });

  it('takes overrides', () => {
    const settings = settingsOf('prod', {
      LOG_LEVEL: 'DEBUG',
      QUALITY_THRESHOLD: '0.5',
      ENABLE_XRAY_TRACING: 'false',
      MAX_RETRIES: '1000',
      BATCH_SIZE: '10000',
      METRICS_NAMESPACE: 'Team/Pipeline-1',
    });

    expect(settings).toMatchObject({
      logLevel: 'DEBUG',
      tracing: false,
      metricsNamespace: 'Team/Pipeline-1',
      processor: { qualityThreshold: 0.5, maxRetries: 1000 },
      ingestion: { chunkRecordsMax: 10_000 },
    });
  });

  it('gives the processor the larger of the memories of its two stages', () => {
    const memory = (overrides: Record<string, string>) => settingsOf('prod', overrides).processor.memory.toMebibytes();

    expect(memory({ VALIDATION_MEMORY: '512', TRANSFORMATION_MEMORY: '1024' })).toBe(1024);
    expect(memory({ VALIDATION_MEMORY: '2048' })).toBe(2048);
    expect(memory({})).toBe(1769);
  });

  it('gives the ingestion a memory of its own', () => {
    const { ingestion, processor } = settingsOf('prod', { INGESTION_MEMORY: '512' });

    expect([ingestion.memory.toMebibytes(), processor.memory.toMebibytes()]).toEqual([512, 1769]);
  });

  it('reads an empty value as none', () => {
    expect(settingsOf('prod', { QUALITY_THRESHOLD: ' ', LOG_LEVEL: '' })).toEqual(settingsOf('prod'));
  });

  it.each([
    ['LOG_LEVEL', 'info', 'DEBUG, INFO (the metrics are log lines of level INFO'],
    ['LOG_LEVEL', 'WARN', 'DEBUG, INFO (the metrics are log lines of level INFO'],
    ['LOG_LEVEL', 'ERROR', 'DEBUG, INFO (the metrics are log lines of level INFO'],
    ['QUALITY_THRESHOLD', '1.01', 'a number from 0 to 1'],
    ['QUALITY_THRESHOLD', '85%', 'a number from 0 to 1'],
    ['QUALITY_THRESHOLD', 'NaN', 'a number from 0 to 1'],
    ['VALIDATION_MEMORY', '127', 'whole MB from 128 to 10240'],
    ['TRANSFORMATION_MEMORY', '10241', 'whole MB from 128 to 10240'],
    ['TRANSFORMATION_MEMORY', '512 MB', 'whole MB from 128 to 10240'],
    ['ENABLE_XRAY_TRACING', 'yes', 'true, false'],
    ['MAX_RETRIES', '0', 'a whole number from 1 to 1000'],
    ['MAX_RETRIES', '1001', 'a whole number from 1 to 1000'],
    ['MAX_RETRIES', '5.5', 'a whole number from 1 to 1000'],
    ['INGESTION_MEMORY', '127', 'whole MB from 128 to 10240'],
    ['BATCH_SIZE', '0', 'a whole number from 1 to 10000'],
    ['BATCH_SIZE', '10001', 'a whole number from 1 to 10000'],
    ['METRICS_NAMESPACE', 'AWS/Mine', '1 to 255 letters, digits and . - _ / # :, not beginning with AWS/'],
    ['METRICS_NAMESPACE', ':mine', '1 to 255 letters, digits'],
    ['METRICS_NAMESPACE', 'x'.repeat(256), '1 to 255 letters, digits'],
  ])('fails if %s is %s, and says what is allowed', (name, value, allowed) => {
    const act = () => settingsOf('prod', { [name]: value });

    expect(act).toThrow(`${name}: received ${JSON.stringify(value)}, allowed: ${allowed}`);
  });
});

describe('parseEnvironment', () => {
  it('fails if there is no such environment', () => {
    expect(() => parseEnvironment('staging')).toThrow('environment: received "staging", allowed: local, dev, prod');
  });
});

describe('unusedOverrides', () => {
  it('names what is set and has no effect yet, and nothing else', () => {
    expect(
      unusedOverrides({ ALERT_EMAIL: 'me@here', BATCH_SIZE: '500', LOG_LEVEL: 'INFO', AWS_PROFILE: 'me' }),
    ).toEqual(['ALERT_EMAIL']);
  });
});

describe('readOverrides', () => {
  it('reads the .env file of a folder, comments and quotes included', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'settings-'));
    writeFileSync(path.join(folder, '.env'), '# a comment\nLOG_LEVEL="DEBUG"\nQUALITY_THRESHOLD=0.9 # inline\n');

    expect(readOverrides(folder)).toEqual({ LOG_LEVEL: 'DEBUG', QUALITY_THRESHOLD: '0.9' });
  });

  it('finds in .env.example only names that have an effect, and those without a value', () => {
    const example = parseEnv(readFileSync(path.join(import.meta.dirname, '../.env.example'), 'utf8'));
    const given = Object.fromEntries(Object.keys(example).map((name) => [name, 'not allowed']));

    expect(new Set(Object.values(example))).toEqual(new Set(['']));
    for (const [name, value] of Object.entries(given)) {
      expect(() => settingsOf('prod', { [name]: value })).toThrow(name);
    }
  });

  it('gives nothing where there is no .env file', () => {
    expect(readOverrides(mkdtempSync(path.join(tmpdir(), 'settings-')))).toEqual({});
  });
});
