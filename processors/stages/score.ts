/** Fourth stage: the share of quality rules that the output passes. Below the threshold a record is quarantined. */
import { shorten } from '../../schemas/describe.ts';
import { FAILURE_TEXT_CHARACTERS_MAX } from '../../schemas/failure.ts';
import type { Item, Transformed } from './items.ts';

/** @param threshold 0 to 1, for datasets that set none themselves */
export function score(item: Item, threshold: number): Item {
  if (item.state !== 'transformed') return item;
  const { dataset } = item.event;
  const quality = dataset.score(item.output);
  const required = dataset.definition.qualityThreshold ?? threshold;
  if (quality.score >= required) return { state: 'scored', transformed: item, quality };
  return belowThreshold(item, quality.score, quality.failedRules, required);
}

function belowThreshold(item: Transformed, reached: number, failedRules: readonly string[], required: number): Item {
  const received = `${reached}, failed: ${failedRules.join('; ')}`;
  return {
    state: 'failed',
    origin: item.origin,
    event: item.event,
    failure: {
      stage: 'score',
      code: 'QUALITY_BELOW_THRESHOLD',
      path: '',
      expected: `a quality score of at least ${required}`,
      received: shorten(received, FAILURE_TEXT_CHARACTERS_MAX),
      message: shorten(`The quality score is below ${required}: ${received}`, FAILURE_TEXT_CHARACTERS_MAX),
    },
  };
}
