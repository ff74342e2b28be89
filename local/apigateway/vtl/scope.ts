/** The state of one rendering: variables, what has been written, and how much more may be done. */
import { TemplateError, type VtlMap } from './value.ts';

/** Characters that a template may write: what API Gateway takes of a payload, three times. */
const OUTPUT_CHARACTERS_MAX = 32 * 1024 * 1024;
/** References and directives that a rendering may come to: loops in loops have an end. */
const STEPS_MAX = 200_000;

export class Scope {
  readonly variables: VtlMap;
  #parts: string[] = [];
  #characters = 0;
  #steps = 0;
  /** `#break` has been met, and the loop around it is to end. */
  isBroken = false;

  /** @param variables by name without `$`; `#set` adds to them */
  constructor(variables: VtlMap) {
    this.variables = variables;
  }

  write(text: string): void {
    this.#characters += text.length;
    if (this.#characters > OUTPUT_CHARACTERS_MAX) {
      throw new TemplateError(`the template writes more than ${OUTPUT_CHARACTERS_MAX} characters`);
    }
    this.#parts.push(text);
  }

  step(): void {
    this.#steps += 1;
    if (this.#steps > STEPS_MAX) throw new TemplateError(`the template takes more than ${STEPS_MAX} steps`);
  }

  /** What `run` writes, apart from the rest. */
  capture(run: () => void): string {
    const before = this.#parts;
    this.#parts = [];
    run();
    const text = this.#parts.join('');
    this.#parts = before;
    return text;
  }

  get output(): string {
    return this.#parts.join('');
  }

  /** Variables that `run` sets: what had their names before comes back after it. */
  shadow(names: readonly string[], run: () => void): void {
    const before = names.map((name) => [name, this.variables[name]] as const);
    run();
    for (const [name, value] of before) {
      if (value === undefined) delete this.variables[name];
      else this.variables[name] = value;
    }
  }
}
