/**
 * Which entry of a map by content type is meant: that of the type with its parameters, of the type alone, or `$default`.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
 */

/** What a request without a content type has, for API Gateway. */
export const DEFAULT_CONTENT_TYPE = 'application/json';

export function byContentType<Entry>(entries: ReadonlyMap<string, Entry>, contentType: string): Entry | undefined {
  const essence = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return entries.get(contentType) ?? entries.get(essence) ?? entries.get('$default');
}
