/** Whatever went wrong, as the one line that a verb ends with. */
import { UsageError } from './verb.ts';

/** Of what never reached a server. */
const UNREACHED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** The SDK has no name for it. */
const NO_REGION = 'Region is missing';
/** Causes that are looked at: one may be the cause of itself. */
const CAUSES_MAX = 10;

/** @returns what was wrong, and what to look at where that is known; without line breaks */
export function describeError(error: unknown): string {
  return `${textOf(error)}${hintOf(error)}`.replaceAll(/\s*\n\s*/g, ' ');
}

function textOf(error: unknown): string {
  const told = unreachedIn(error) ?? error;
  if (!Error.isError(told)) return String(told);
  const isPlain = told.name === 'Error' || told instanceof UsageError;
  return `${isPlain ? '' : `${told.name}: `}${told.message}`;
}

function hintOf(error: unknown): string {
  if (unreachedIn(error)) {
    return ': nothing answers there. Is npm start running, and do AWS_ENDPOINT_URL or --endpoint-url name its endpoint?';
  }
  if (Error.isError(error) && (error.name === 'CredentialsProviderError' || error.message === NO_REGION)) {
    return '. For AWS, configure it as for the AWS CLI; for npm start, name its endpoint by AWS_ENDPOINT_URL or --endpoint-url';
  }
  return '';
}

/** The error of the connection itself: libraries wrap it, and tell of several addresses at once. */
function unreachedIn(error: unknown): Error | undefined {
  let told = error;
  for (let causes = 0; causes < CAUSES_MAX && Error.isError(told); causes += 1) {
    if (told instanceof AggregateError) told = told.errors[0];
    else if ('code' in told && UNREACHED.has(told.code)) return told;
    else told = told.cause;
  }
  return undefined;
}
