/** Ids that API Gateway makes up: here they follow from the place in the template, so that they are the same at each start. */
import { createHash } from 'node:crypto';
import type { ResourceContext } from '../service.ts';

/** Characters of an id of API Gateway: small letters and digits. */
const ID_CHARACTERS = 10;

export function derivedId(context: Pick<ResourceContext, 'stackName' | 'logicalId'>, part = ''): string {
  return BigInt(`0x${digest(context, part)}`)
    .toString(36)
    .slice(0, ID_CHARACTERS);
}

/** A key that nobody has to keep secret: 40 letters and digits, as API Gateway generates them. */
export function derivedKey(context: Pick<ResourceContext, 'stackName' | 'logicalId'>): string {
  return BigInt(`0x${digest(context, 'key')}`)
    .toString(36)
    .padStart(40, '0')
    .slice(0, 40);
}

function digest({ stackName, logicalId }: Pick<ResourceContext, 'stackName' | 'logicalId'>, part: string): string {
  return createHash('sha256').update(`${stackName}/${logicalId}/${part}`).digest('hex');
}
