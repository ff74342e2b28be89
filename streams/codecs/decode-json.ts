/**
 * JSON, and what it holds: a CloudEvent (an object with `specversion`), a CloudEvents batch (an array), or a record of
 * the default dataset (anything else; validation tells whether it conforms). A byte order mark is taken off.
 */
import { describe, isRecord } from '../../schemas/describe.ts';
import { attributeFault } from './cloud-event-attributes.ts';
import { decodeCloudEvent } from './decode-cloud-event.ts';
import type { Outcomes } from './outcomes.ts';
import { parseJson } from './parse-json.ts';
import type { Payload } from './payload.ts';
import { findElementBounds } from './scan-json.ts';

const BYTE_ORDER_MARK_BYTES = 3;

export function decodeJson({ data, start, end, bytes }: Payload, outcomes: Outcomes): void {
  const from = hasByteOrderMark(data, start) ? start + BYTE_ORDER_MARK_BYTES : start;
  const parsed = parseJson(data, from, end);
  if ('fault' in parsed) {
    outcomes.pushFault(parsed.fault, bytes);
    return;
  }
  const { value } = parsed;
  if (Array.isArray(value)) decodeBatch(value, data.subarray(from, end), bytes, outcomes);
  else if (isCloudEvent(value)) decodeCloudEvent(value, bytes, outcomes);
  else outcomes.pushBare(outcomes.context.defaultDataset, value, false, bytes);
}

/** Splits a batch: every element is an event or a failure of its own, unless they are too many for the record. */
function decodeBatch(elements: readonly unknown[], text: Buffer, bytes: () => Buffer, outcomes: Outcomes): void {
  if (elements.length === 0) {
    outcomes.pushFault(
      {
        code: 'EMPTY_PAYLOAD',
        expected: 'one CloudEvent or more',
        received: describe(elements),
        message: 'The CloudEvents batch holds no event.',
      },
      bytes,
    );
    return;
  }
  if (!outcomes.hasRoomFor(elements.length, bytes)) return;
  // Their own bytes are looked for when the first one is asked for them: only failures ask.
  let bounds: readonly number[] | undefined;
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i];
    const elementBytes = (): Buffer => {
      bounds ??= findElementBounds(text);
      return text.subarray(bounds[i * 2], bounds[i * 2 + 1]);
    };
    if (isCloudEvent(element) && element.databatch === true) {
      // Its events would be more than were made room for.
      outcomes.pushFault(attributeFault('databatch', 'nothing within a batch', true), elementBytes);
    } else if (isCloudEvent(element)) {
      decodeCloudEvent(element, elementBytes, outcomes);
    } else {
      outcomes.pushFault(
        {
          code: 'INVALID_CLOUDEVENT',
          path: isRecord(element) ? 'specversion' : '',
          expected: isRecord(element) ? '"1.0"' : 'a CloudEvent, which is an object',
          received: isRecord(element) ? 'nothing' : describe(element),
          message: `Element ${i} of the batch is no CloudEvent; a JSON array holds CloudEvents only.`,
        },
        elementBytes,
      );
    }
  }
}

function isCloudEvent(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && value.specversion !== undefined;
}

function hasByteOrderMark(data: Buffer, start: number): boolean {
  return data[start] === 0xef && data[start + 1] === 0xbb && data[start + 2] === 0xbf;
}
