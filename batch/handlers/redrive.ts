import { createRedrivePorts } from '../adapters/redrive-ports.ts';
import { createRedriveHandler } from '../redrive/handler.ts';

export const handler = createRedriveHandler(createRedrivePorts());
