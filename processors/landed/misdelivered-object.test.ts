import { describe, expect, test } from '@jest/globals';
import { createMemoryObjects } from '../../test/support/processors/memory-objects.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { misdeliveredKey } from '../books/keys.ts';
import { enterMisdelivered } from './misdelivered-object.ts';

const KEY = 'errors/flights/format-conversion-failed/dt=2026-06-01/data-pipeline-flights-1-2026-06-01-12-00-00-5c';
const NOW_MS = 1_780_000_000_000;

/** As seen on AWS, but for the code's name: the documentation has the other one. */
const document = (code: object, rawData = 'eyJhIjoxfQ==') =>
  JSON.stringify({ attemptsMade: 1, arrivalTimestamp: NOW_MS, ...code, attemptEndingTimestamp: NOW_MS, rawData });

async function entered(content: string | Uint8Array) {
  const [objects, table] = [createMemoryObjects(), createMemoryStateTable()];
  const object = objects.put('processed', KEY, content);
  const misdelivery = { object, table: 'flights', errorType: 'format-conversion-failed' };
  const enter = () => enterMisdelivered(misdelivery, { objects, table, nowMs: NOW_MS });
  return { isNew: await enter(), enter, objects, attributes: (await table.get(misdeliveredKey(KEY)))?.attributes };
}

describe('an object of what Firehose could not deliver', () => {
  test('is entered with its documents by error code, in both spellings', async () => {
    const lines = [
      document({ lastErrorCode: 'DataFormatConversion.ParseError' }),
      document({ errorCode: 'DataFormatConversion.ParseError' }),
      document({ errorCode: 'DynamicPartitioning.ActivePartitionsExceeded' }),
    ];
    const content = `${lines.join('\n')}\n`;

    expect(await entered(content)).toMatchObject({
      isNew: true,
      attributes: {
        table: 'flights',
        error_type: 'format-conversion-failed',
        documents: 3,
        bytes: content.length,
        'code_DataFormatConversion.ParseError': 2,
        'code_DynamicPartitioning.ActivePartitionsExceeded': 1,
        status: 'misdelivered',
        updated_at: NOW_MS,
      },
    });
  });

  test.each([
    [
      'a last line without an end',
      `${document({ errorCode: 'A' })}\n${document({ errorCode: 'A' })}`,
      2,
      { code_A: 2 },
    ],
    ['empty lines', `\n${document({ errorCode: 'A' })}\n\n`, 1, { code_A: 1 }],
    ['lines that are no documents', `{\n7\n{}\n{"errorCode":""}\n`, 4, { code_unknown: 4 }],
    ['nothing', '', 0, {}],
  ])('counts every line: %s', async (_, content, documents, codes) => {
    const { attributes } = await entered(content);

    expect(attributes).toMatchObject({ documents, ...codes });
  });

  test('is read piece by piece, and a line that two pieces share is one', async () => {
    const long = document({ errorCode: 'A' }, 'x'.repeat(1_500_000));
    const content = Array.from({ length: 15 }, () => `${long}\n`).join('');

    const { attributes, objects } = await entered(content);

    expect(attributes).toMatchObject({ documents: 15, code_A: 15 });
    expect(objects.reads).toEqual([8_388_608, 8_388_608, content.length - 2 * 8_388_608]);
  });

  test('names a few codes, and counts the others together', async () => {
    const lines = Array.from({ length: 50 }, (_, index) => document({ errorCode: `${'c'.repeat(200)}${index}` }));
    const others = Array.from({ length: 50 }, (_, index) => document({ errorCode: `code ${index}` }));

    const { attributes } = await entered([...lines, ...others].join('\n'));

    expect(attributes).toMatchObject({ documents: 100, [`code_${'c'.repeat(128)}`]: 50, code_other: 19 });
    expect(Object.keys(attributes ?? {}).filter((name) => name.startsWith('code_'))).toHaveLength(33);
  });

  test('is entered once', async () => {
    const { enter } = await entered(document({ errorCode: 'A' }));

    expect(await enter()).toBe(false);
  });
});
