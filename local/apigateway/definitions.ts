/** Shapes of the resources that make up an API beside its methods, with what is not run locally refused by name. */
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Properties, ResourceContext } from '../service.ts';
import type { Throttle } from './rest-api.ts';

/** @throws Error in one line: resource, member, what is allowed */
export function parseProperties<Shape>(
  type: string,
  shape: z.ZodType<Shape>,
  properties: Properties,
  context: ResourceContext,
): Shape {
  const parsed = shape.safeParse(properties);
  if (parsed.success) return parsed.data;
  throw new Error(`${context.logicalId} (${type}): ${describeIssues(parsed.error)}`);
}

const texts = z.record(z.string(), z.string()).default({});
/** CloudFormation may carry numbers and truth as text. */
export const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
const rate = z.coerce.number().min(0).optional();
const burst = z.coerce.number().int().min(0).optional();

export const restApiShape = z.object({
  Name: z.string({ error: 'Name of a REST API is a name; APIs by Body are not run locally' }),
  Description: z.string().default(''),
  ApiKeySourceType: z
    .literal('HEADER', { error: 'the local API Gateway takes keys from the header x-api-key' })
    .default('HEADER'),
});

export const resourceShape = z.object({
  RestApiId: z.string(),
  ParentId: z.string(),
  PathPart: z
    .string()
    .regex(
      /^(?:[\w.,:~$!@*'()=;-]+|\{[\w.,:~$-]+\+?\})$/,
      'a part of a path: letters, digits and _.,:~-, or {name}, or {name+}',
    ),
});

export const stageShape = z.object({
  RestApiId: z.string(),
  StageName: z.string().regex(/^[\w-]{1,128}$/, 'up to 128 letters, digits, hyphens and underscores'),
  DeploymentId: z.string(),
  Variables: texts,
  AccessLogSetting: z.strictObject({ DestinationArn: z.string(), Format: z.string() }).optional(),
  MethodSettings: z
    .array(
      z.strictObject({
        ResourcePath: z.string(),
        HttpMethod: z.string(),
        ThrottlingRateLimit: rate,
        ThrottlingBurstLimit: burst,
        CachingEnabled: z.literal(false, { error: 'answers are not cached locally' }).optional(),
        /** Execution logs and metrics are not kept locally. */
        DataTraceEnabled: flag.optional(),
        LoggingLevel: z.string().optional(),
        MetricsEnabled: flag.optional(),
      }),
    )
    .default([]),
});

/** By `<path> <method>`, as ResourcePath has it: slashes of all but the first part are `~1`. */
export function methodThrottles(settings: z.infer<typeof stageShape>['MethodSettings']): ReadonlyMap<string, Throttle> {
  return new Map(
    settings.map(({ ResourcePath, HttpMethod, ThrottlingRateLimit, ThrottlingBurstLimit }) => [
      `${pathOfSetting(ResourcePath)} ${HttpMethod}`,
      { rateLimit: ThrottlingRateLimit, burstLimit: ThrottlingBurstLimit },
    ]),
  );
}

function pathOfSetting(given: string): string {
  const path = given.replaceAll('~1', '/').replace(/^\/+/, '/');
  return path === '' ? '/' : path;
}

export const modelShape = z.object({
  RestApiId: z.string(),
  Name: z
    .string()
    .regex(/^[A-Za-z0-9]+$/, 'letters and digits')
    .optional(),
  ContentType: z.string().default('application/json'),
  Schema: z.record(z.string(), z.unknown()),
});

export const validatorShape = z.object({
  RestApiId: z.string(),
  Name: z.string().optional(),
  ValidateRequestBody: flag.default(false),
  ValidateRequestParameters: flag.default(false),
});

export const gatewayResponseShape = z.object({
  RestApiId: z.string(),
  ResponseType: z.string(),
  StatusCode: z.coerce.number().int().min(400).max(599).optional(),
  ResponseTemplates: texts,
  ResponseParameters: texts,
});

export const apiKeyShape = z.object({
  Name: z.string().optional(),
  Value: z.string().min(20, '20 to 128 characters').max(128, '20 to 128 characters').optional(),
  Enabled: flag.default(false),
});

const throttle = z.strictObject({ RateLimit: rate, BurstLimit: burst });

export const usagePlanShape = z.object({
  Throttle: throttle.optional(),
  Quota: z
    .strictObject({
      Limit: z.coerce.number().int().min(0),
      Period: z.enum(['DAY', 'WEEK', 'MONTH']),
      Offset: z.literal(0).optional(),
    })
    .optional(),
  ApiStages: z
    .array(
      z.strictObject({ ApiId: z.string(), Stage: z.string(), Throttle: z.record(z.string(), throttle).default({}) }),
    )
    .default([]),
});

export function throttleOf(given: z.infer<typeof throttle> | undefined): Throttle | undefined {
  return given && { rateLimit: given.RateLimit, burstLimit: given.BurstLimit };
}

export const usagePlanKeyShape = z.object({
  KeyId: z.string(),
  KeyType: z.literal('API_KEY'),
  UsagePlanId: z.string(),
});
