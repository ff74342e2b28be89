/** The resource types of a template that SQS makes real. */
import type { ResourceKind } from '../service.ts';
import { identifyQueue, parseQueue, QUEUE_EXECUTED, QUEUE_INERT, type QueueDefinition } from './queue-definition.ts';

/** @param endpoint read when a resource is identified: the port may be known only then */
export function queueResourceKinds(
  endpoint: () => string,
  addQueue: (definition: QueueDefinition) => void,
): readonly ResourceKind[] {
  return [
    {
      type: 'AWS::SQS::Queue',
      executed: QUEUE_EXECUTED,
      inert: QUEUE_INERT,
      identify: (properties, context) => identifyQueue(properties, context, endpoint()),
      create: (properties, identity, context) => addQueue(parseQueue(properties, identity, context)),
    },
    {
      type: 'AWS::SQS::QueuePolicy',
      executed: [],
      inert: { PolicyDocument: 'access is not checked locally', Queues: 'access is not checked locally' },
      identify: (_properties, context) => {
        const id = `${context.stackName}-${context.logicalId}`;
        return { ref: id, attributes: { Id: id } };
      },
    },
  ];
}
