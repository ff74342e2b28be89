/** The fault switch of a service. The front does every request under it; services ask it about the entries of a batch. */
import type { Clock } from '../clock.ts';
import { AwsError, type ServiceHandler } from '../service.ts';
import { faultError } from './fault-errors.ts';
import { type FaultScope, parseFaultSettings } from './fault-settings.ts';
import type { AroundOptions, FaultSettings, Faults } from './faults.ts';
import { seededRandom } from './seeded-random.ts';

export interface FaultSwitchOptions {
  /** As in the SigV4 credential scope, such as `kinesis`. */
  readonly scope: string;
  readonly clock: Pick<Clock, 'after'>;
  /** The service's; looked at when settings are. */
  readonly handle: () => ServiceHandler;
  /** Operations for whose entries the service asks `rejects`. Default: none. */
  readonly batches?: readonly string[];
}

type Rate = 'errorRate' | 'throttleRate' | 'lostAnswerRate' | 'partialRate' | 'killRate';

export class FaultSwitch implements Faults {
  protected readonly kills: boolean = false;
  readonly #options: FaultSwitchOptions;
  readonly #waiting = new Set<() => void>();
  #settings: FaultSettings | undefined;
  #random: () => number = Math.random;

  constructor(options: FaultSwitchOptions) {
    this.#options = options;
  }

  get settings(): FaultSettings | undefined {
    return this.#settings;
  }

  check(given: unknown): FaultSettings {
    const { scope, handle, batches = [] } = this.#options;
    const service: FaultScope = { scope, operations: handle().operations ?? [], batches, kills: this.kills };
    return parseFaultSettings(given, service);
  }

  set(settings: FaultSettings, random?: () => number): void {
    const checked = this.check(settings);
    this.clear();
    this.#settings = checked;
    this.#random = random ?? (checked.seed === undefined ? Math.random : seededRandom(checked.seed));
  }

  clear(): void {
    this.#settings = undefined;
    for (const goOn of [...this.#waiting]) goOn();
  }

  /** True when an entry of a batch is to be rejected. */
  rejects(operation: string): boolean {
    const { batches = [] } = this.#options;
    return batches.includes(operation) && this.#concerns(operation) && this.happens('partialRate');
  }

  async around<Answer>(
    operation: string | undefined,
    act: () => Promise<Answer>,
    { signal, discard }: AroundOptions<Answer> = {},
  ): Promise<Answer> {
    if (!this.#concerns(operation)) return act();
    await this.#delay(signal);
    if (this.happens('errorRate')) throw this.#error('failure');
    if (this.happens('throttleRate')) throw this.#error('throttling');
    const answer = await act();
    if (!this.happens('lostAnswerRate')) return answer;
    discard?.(answer);
    throw this.#error('failure');
  }

  /** Draws, unless that cannot happen. */
  protected happens(rate: Rate): boolean {
    const probability = this.#settings?.[rate] ?? 0;
    return probability > 0 && this.#random() < probability;
  }

  /** From 0 to `most`, exclusive of it. */
  protected draw(most: number): number {
    return this.#random() * most;
  }

  #concerns(operation: string | undefined): boolean {
    const settings = this.#settings;
    if (!settings) return false;
    return settings.operations === undefined || (operation !== undefined && settings.operations.includes(operation));
  }

  #error(kind: 'failure' | 'throttling'): AwsError {
    return faultError(this.#options.scope, kind);
  }

  async #delay(signal: AbortSignal | undefined): Promise<void> {
    const { latencyMs = 0 } = this.#settings ?? {};
    const delayMs =
      typeof latencyMs === 'number' ? latencyMs : latencyMs.min + this.draw(latencyMs.max - latencyMs.min);
    if (delayMs > 0 && !signal?.aborted) await this.#wait(delayMs, signal);
    if (signal?.aborted) throw new AwsError('RequestTimeout', 'The client went away before its request was looked at.');
  }

  #wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const goOn = (): void => {
      timer.cancel();
      this.#waiting.delete(goOn);
      signal?.removeEventListener('abort', goOn);
      resolve();
    };
    const timer = this.#options.clock.after(delayMs, goOn, 'upkeep');
    this.#waiting.add(goOn);
    signal?.addEventListener('abort', goOn);
    return promise;
  }
}
