/** Second stage: the event conforms to its dataset's input schema, and happened within its event-time window. */

import type { Failure } from '../../schemas/failure.ts';
import { failureOf, problem } from '../../schemas/problem.ts';
import { formatTimestamp, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from '../../schemas/timestamp.ts';
import type { DecodedEvent } from '../../streams/envelope.ts';
import type { Item } from './items.ts';
import { threw } from './threw.ts';

/** How far ahead an event may lie counts from the record's arrival: docs/decisions/0014-judged-as-of-arrival.md */
export function validate(item: Item): Item {
  if (item.state !== 'decoded') return item;
  const { origin, event } = item;
  const { dataset } = event;
  const failure = event.conforms ? undefined : dataset.validateInput(event.value);
  if (failure) return { state: 'failed', origin, event, failure };
  let eventTimeMs: number;
  try {
    eventTimeMs = dataset.definition.eventTime(event.value);
  } catch (error) {
    return { state: 'failed', origin, event, failure: threw('eventTime', error) };
  }
  const latestMs = origin.arrivedAtMs + dataset.eventTimeAheadMsMax;
  const inside = Number.isInteger(eventTimeMs) && eventTimeMs >= dataset.eventTimeFromMs && eventTimeMs <= latestMs;
  return inside
    ? { state: 'valid', origin, event, eventTimeMs }
    : { state: 'failed', origin, event, failure: outsideWindow(event, eventTimeMs, latestMs) };
}

function outsideWindow(event: DecodedEvent, eventTimeMs: number, latestMs: number): Failure {
  const expected = `an event time from ${shownTime(event.dataset.eventTimeFromMs)} to ${shownTime(latestMs)} UTC`;
  return failureOf(
    { ...problem('EVENT_TIME_OUTSIDE_WINDOW', '', expected, eventTimeMs), received: shownTime(eventTimeMs) },
    'validate',
  );
}

function shownTime(epochMs: number): string {
  const formattable = Number.isInteger(epochMs) && epochMs >= TIMESTAMP_MS_MIN && epochMs <= TIMESTAMP_MS_MAX;
  return formattable ? formatTimestamp(epochMs) : String(epochMs);
}
