/**
 * How each service says that it failed, and that too much was asked of it: errors that its SDK tries again. Sources: the
 * errors of each service's API reference, and the status codes of its model.
 */
import { AwsError } from '../service.ts';

type Wording = readonly [code: string, message: string, status: number];

interface Wordings {
  readonly failure: Wording;
  readonly throttling: Wording;
}

const INTERNAL = 'We encountered an internal error. Please try again.';
const RATE = 'Rate exceeded';

const WORDINGS: Readonly<Record<string, Wordings>> = {
  athena: {
    failure: ['InternalServerException', INTERNAL, 500],
    throttling: ['TooManyRequestsException', RATE, 400],
  },
  dynamodb: {
    failure: ['InternalServerError', 'Internal server error', 500],
    throttling: [
      'ProvisionedThroughputExceededException',
      'The level of configured provisioned throughput for the table was exceeded.',
      400,
    ],
  },
  events: {
    failure: ['InternalException', INTERNAL, 500],
    throttling: ['ThrottlingException', RATE, 400],
  },
  'execute-api': {
    failure: ['InternalServerErrorException', 'Internal server error', 500],
    throttling: ['TooManyRequestsException', 'Too Many Requests', 429],
  },
  firehose: {
    failure: ['ServiceUnavailableException', 'The service is unavailable.', 503],
    throttling: ['ServiceUnavailableException', 'Slow down.', 503],
  },
  glue: {
    failure: ['InternalServiceException', INTERNAL, 500],
    throttling: ['ThrottlingException', RATE, 400],
  },
  kinesis: {
    failure: ['InternalFailure', 'Internal service failure.', 500],
    throttling: ['ProvisionedThroughputExceededException', 'Rate exceeded for the stream.', 400],
  },
  lambda: {
    failure: ['ServiceException', 'An error occurred and the request cannot be processed.', 500],
    throttling: ['TooManyRequestsException', 'Rate Exceeded.', 429],
  },
  logs: {
    failure: ['ServiceUnavailableException', 'The service cannot complete the request.', 500],
    throttling: ['ThrottlingException', RATE, 400],
  },
  s3: {
    failure: ['InternalError', INTERNAL, 500],
    throttling: ['SlowDown', 'Please reduce your request rate.', 503],
  },
  scheduler: {
    failure: ['InternalServerException', INTERNAL, 500],
    throttling: ['ThrottlingException', RATE, 429],
  },
  sqs: {
    failure: ['InternalFailure', INTERNAL, 500],
    throttling: ['RequestThrottled', 'The request was denied due to request throttling.', 403],
  },
};

/** The errors common to all services: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html */
const COMMON: Wordings = {
  failure: ['InternalFailure', INTERNAL, 500],
  throttling: ['ThrottlingException', RATE, 400],
};

/** @param scope service, such as `kinesis`; one that is not known here answers the errors common to all */
export function faultError(scope: string, kind: keyof Wordings): AwsError {
  const [code, message, status] = (WORDINGS[scope] ?? COMMON)[kind];
  return new AwsError(code, message, status);
}
