/**
 * Keeps web pages away from the endpoint. A browser sends their POSTs of plain text, and their GETs, wherever they say,
 * without asking first; only the answer is kept from them, and by then the object is deleted. What a page cannot forge are
 * the headers that say where it comes from (https://fetch.spec.whatwg.org/#forbidden-request-header). SDKs and command
 * lines send neither of them.
 */
import { AwsError } from '../service.ts';

/** Names of this machine only, so that a page cannot reach the endpoint through a name of its own. */
const LOCAL_HOST = /^(127(\.\d{1,3}){3}|\[::1\]|localhost|[^:/]+\.localhost)(:\d+)?$/i;
/** From the endpoint itself, or from nowhere: a person's own (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header). */
const OWN_SITES = new Set(['same-origin', 'none']);

/** @throws AwsError `AccessDeniedException`, 403 */
export function refuseForeigners(headers: Readonly<Record<string, string>>): void {
  const { host, origin, 'sec-fetch-site': site } = headers;
  if (host !== undefined && !LOCAL_HOST.test(host))
    throw denied(`answers to 127.0.0.1 and localhost only, received Host: ${host}`);
  if (site !== undefined && !OWN_SITES.has(site.toLowerCase()))
    throw denied(`answers to no pages of other origins, received Sec-Fetch-Site: ${site}`);
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase())
    throw denied(`answers to no pages of other origins, received Origin: ${origin}`);
}

function denied(reason: string): AwsError {
  return new AwsError('AccessDeniedException', `The local endpoint ${reason}.`, 403);
}
