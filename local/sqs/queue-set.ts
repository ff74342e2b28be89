/**
 * The queues of the template: sends, receives that wait, deletes and changes of visibility. Everything but waiting is
 * synchronous; a message is in the file when `send` returns.
 */
import type { Clock, Timer } from '../clock.ts';
import { AwsError } from '../service.ts';
import { bytesOfAttributes } from './message-attributes.ts';
import type { MessageCounts, MessageStore, NewMessage, TakenMessage } from './message-store.ts';
import type { QueueDefinition } from './queue-definition.ts';
import { invalidParameter, queueDoesNotExist, receiptHandleIsInvalid } from './sqs-error.ts';

export interface ReceiveOptions {
  readonly messagesMax: number;
  /** Real time, not that of the shared clock: it bounds how long a caller waits for an answer. */
  readonly waitMs: number;
  readonly visibilityTimeoutMs: number;
  /** Aborted when the caller has gone: what comes then is not for it. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReceivedMessage extends TakenMessage {
  readonly receiptHandle: string;
}

interface Waiter {
  readonly options: ReceiveOptions;
  readonly resolve: (messages: readonly ReceivedMessage[]) => void;
  readonly timeout: NodeJS.Timeout;
  /** Ends the wait without messages. */
  readonly leave: () => void;
}

interface Polls {
  readonly waiters: Set<Waiter>;
  /** Fires when the next hidden message becomes visible. */
  timer: Timer | undefined;
}

/** What a message may hold (API_SendMessage.html): the characters that XML 1.0 allows. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

export class QueueSet {
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #queues = new Map<string, QueueDefinition & { readonly createdMs: number }>();
  readonly #polls = new Map<string, Polls>();
  #isStopped = false;

  constructor(store: MessageStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Messages that an earlier run left in a queue of this name are in it again. @throws Error for a wrong redrive policy */
  add(definition: QueueDefinition): void {
    const { name, redrive } = definition;
    if (redrive) {
      const target = [...this.#queues.values()].find(({ arn }) => arn === redrive.deadLetterTargetArn);
      if (!target) throw new Error(`Queue ${name}: there is no dead-letter queue ${redrive.deadLetterTargetArn}`);
      if (target.redrive)
        throw new Error(`Queue ${name}: ${target.name} has a RedrivePolicy, a dead-letter queue none`);
    }
    this.#queues.set(name, { ...definition, createdMs: this.#store.createQueue(name) });
  }

  /** In the order of their names. */
  all(): readonly QueueDefinition[] {
    return [...this.#queues.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** @throws AwsError `QueueDoesNotExist` */
  byName(name: string): QueueDefinition & { readonly createdMs: number } {
    const queue = this.#queues.get(name);
    if (queue) return queue;
    throw queueDoesNotExist(name);
  }

  /** By the path of a URL alone: clients reach this endpoint under several names. @throws AwsError `QueueDoesNotExist` */
  byUrl(url: string): QueueDefinition & { readonly createdMs: number } {
    const name = /^https?:\/\/[^/]+\/(\d{12}\/[^/]+)$/.exec(url)?.[1] ?? '';
    const queue = this.#queues.get(name.slice(name.indexOf('/') + 1));
    if (queue?.url.endsWith(`/${name}`)) return queue;
    throw queueDoesNotExist(url);
  }

  /** @throws AwsError `QueueDoesNotExist` */
  byArn(arn: string): QueueDefinition {
    const queue = this.#queues.get(arn.split(':').at(-1) ?? '');
    if (queue?.arn === arn) return queue;
    throw queueDoesNotExist(arn);
  }

  /** @throws AwsError `InvalidMessageContents`, `InvalidParameterValueException` */
  check(queue: QueueDefinition, message: Pick<NewMessage, 'body' | 'attributes'>): void {
    const forbidden = FORBIDDEN.exec(message.body);
    if (forbidden) {
      const codePoint = (forbidden[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      const allowed = '#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF';
      const received = `received U+${codePoint} at ${forbidden.index}`;
      throw new AwsError('InvalidMessageContents', `Characters allowed in a message: ${allowed}; ${received}.`);
    }
    const bytes = bytesOf(message);
    if (bytes === 0) throw invalidParameter('The message is empty.');
    if (bytes <= queue.messageBytesMax) return;
    const reason = `Message must be shorter than ${queue.messageBytesMax} bytes, received ${bytes}.`;
    throw invalidParameter(`One or more parameters are invalid. Reason: ${reason}`);
  }

  /** Checked messages, all or none. The result has their message ids. */
  send(queue: QueueDefinition, messages: readonly NewMessage[]): readonly string[] {
    const messageIds = this.#store.add(queue.name, messages);
    this.#wake(queue);
    return messageIds;
  }

  /** Resolves as soon as there is a message, and with none once `waitMs` is over, the caller goes, or the queues stop. */
  receive(queue: QueueDefinition, options: ReceiveOptions): Promise<readonly ReceivedMessage[]> {
    if (this.#isStopped) throw new AwsError('ServiceUnavailable', 'The local SQS has stopped.', 503);
    if (options.signal?.aborted) return Promise.resolve([]);
    const messages = this.#take(queue, options);
    if (messages.length > 0 || options.waitMs === 0) return Promise.resolve(messages);
    return new Promise((resolve) => {
      const polls = this.#pollsOf(queue);
      const leave = (): void => this.#answer(polls, waiter, []);
      const waiter = { options, resolve, timeout: setTimeout(leave, options.waitMs), leave };
      polls.waiters.add(waiter);
      options.signal?.addEventListener('abort', leave);
      this.#arm(queue);
    });
  }

  /** Does nothing for a message that has been received again since. @throws AwsError `ReceiptHandleIsInvalid` */
  delete(queue: QueueDefinition, receiptHandle: string): void {
    const { id, receipt } = readReceiptHandle(queue, receiptHandle);
    this.#store.remove(queue.name, id, receipt);
  }

  /** @throws AwsError `ReceiptHandleIsInvalid`, `MessageNotInflight`, `InvalidParameterValueException` */
  changeVisibility(queue: QueueDefinition, receiptHandle: string, timeoutMs: number): void {
    const { id, receipt } = readReceiptHandle(queue, receiptHandle);
    const outcome = this.#store.hide(queue.name, id, receipt, timeoutMs);
    if (outcome === 'visible') throw new AwsError('MessageNotInflight', 'The specified message is not in flight.');
    if (outcome === 'gone') {
      const reason = 'Message does not exist or is not available for visibility timeout change.';
      throw invalidParameter(`Value ${receiptHandle} for parameter ReceiptHandle is invalid. Reason: ${reason}`);
    }
    this.#wake(queue);
  }

  /** Makes a message visible at once; one that is so already, or gone, stays so. @throws AwsError `ReceiptHandleIsInvalid` */
  release(queue: QueueDefinition, receiptHandle: string): void {
    const { id, receipt } = readReceiptHandle(queue, receiptHandle);
    if (this.#store.hide(queue.name, id, receipt, 0) === 'done') this.#wake(queue);
  }

  counts(queue: QueueDefinition): MessageCounts {
    return this.#store.counts(queue);
  }

  purge(queue: QueueDefinition): void {
    this.#store.purge(queue.name);
  }

  /** Answers those who wait, with nothing. */
  stop(): void {
    this.#isStopped = true;
    for (const polls of this.#polls.values()) {
      polls.timer?.cancel();
      for (const waiter of polls.waiters) this.#answer(polls, waiter, []);
    }
    this.#store.close();
  }

  #take(queue: QueueDefinition, options: ReceiveOptions): readonly ReceivedMessage[] {
    const target = queue.redrive && this.byArn(queue.redrive.deadLetterTargetArn);
    const { messagesMax, visibilityTimeoutMs } = options;
    const { taken, movedCount } = this.#store.take(queue, messagesMax, visibilityTimeoutMs, target?.name);
    if (target && movedCount > 0) this.#wake(target);
    return taken.map((message) => ({ ...message, receiptHandle: writeReceiptHandle(queue, message) }));
  }

  /** Gives what is visible to those who wait, the first of them first. */
  #wake(queue: QueueDefinition): void {
    const polls = this.#polls.get(queue.name);
    if (!polls || polls.waiters.size === 0) return;
    for (const waiter of polls.waiters) {
      const messages = this.#take(queue, waiter.options);
      if (messages.length === 0) break;
      this.#answer(polls, waiter, messages);
    }
    this.#arm(queue);
  }

  #answer(polls: Polls, waiter: Waiter, messages: readonly ReceivedMessage[]): void {
    clearTimeout(waiter.timeout);
    waiter.options.signal?.removeEventListener('abort', waiter.leave);
    polls.waiters.delete(waiter);
    waiter.resolve(messages);
  }

  #arm(queue: QueueDefinition): void {
    const polls = this.#pollsOf(queue);
    polls.timer?.cancel();
    polls.timer = undefined;
    if (polls.waiters.size === 0) return;
    const nextMs = this.#store.nextVisibleMs(queue.name);
    if (nextMs === undefined) return;
    polls.timer = this.#clock.after(nextMs - this.#clock.now(), () => this.#wake(queue));
  }

  #pollsOf(queue: QueueDefinition): Polls {
    const polls = this.#polls.get(queue.name) ?? { waiters: new Set(), timer: undefined };
    this.#polls.set(queue.name, polls);
    return polls;
  }
}

export function bytesOf(message: Pick<NewMessage, 'body' | 'attributes'>): number {
  return Buffer.byteLength(message.body) + bytesOfAttributes(message.attributes);
}

/** A handle names its queue, so that another queue refuses it. */
function writeReceiptHandle(queue: QueueDefinition, { id, receipt }: TakenMessage): string {
  return Buffer.from(`${queue.name} ${id} ${receipt}`).toString('base64url');
}

function readReceiptHandle(queue: QueueDefinition, handle: string): { readonly id: number; readonly receipt: string } {
  const [name, id, receipt] = Buffer.from(handle, 'base64url').toString().split(' ');
  if (name !== queue.name || receipt === undefined) throw receiptHandleIsInvalid(handle);
  return { id: Number(id), receipt };
}
