/**
 * Expressions of the template language, from the tree that velocityjs parses to functions of a scope. Only its parser is
 * used: Java's arithmetic, equality and null differ from JavaScript's, and what a client sent must not reach the members of
 * JavaScript objects.
 *
 * Source: https://velocity.apache.org/engine/1.7/vtl-reference.html
 */
import { callMethod } from './call-method.ts';
import type { Scope } from './scope.ts';
import {
  isMap,
  isObject,
  JsonNumber,
  numberOf,
  ownMember,
  setMember,
  TemplateError,
  textOf,
  type VtlMap,
  type VtlValue,
} from './value.ts';

export type Evaluate = (scope: Scope) => VtlValue;

/** A node of velocityjs' tree: its members are looked at one by one. */
export type Node = Readonly<Record<string, unknown>>;

/** Text in double quotes is a template of its own. */
export type CompileText = (source: string) => (scope: Scope) => string;

/** Items of a range such as `[1..5]`. */
const RANGE_ITEMS_MAX = 1_000;

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws Error naming what is not run locally */
export function compileExpression(node: unknown, compileText: CompileText): Evaluate {
  if (!isNode(node)) {
    // A range has its ends as text.
    if (typeof node === 'string' || typeof node === 'number') return constant(Number(node));
    throw new Error('an expression is missing');
  }
  switch (node.type) {
    case 'references':
      return compileReference(node, compileText);
    case 'string':
      return compileString(String(node.value), node.isEval === true, compileText);
    case 'integer':
      return constant(Number(node.value));
    case 'decimal':
      return constant(new JsonNumber(String(node.value)));
    case 'bool':
      return constant(node.value === 'null' ? null : node.value === 'true');
    case 'array':
      return compileArray(node, compileText);
    case 'map':
      return compileMap(node, compileText);
    case 'math':
      return compileMath(node, compileText);
    default:
      throw new Error(`the expression ${String(node.type)} is not run locally`);
  }
}

const constant =
  (value: VtlValue): Evaluate =>
  () =>
    value;

function compileString(value: string, isEvaluated: boolean, compileText: CompileText): Evaluate {
  return isEvaluated && /[$#]/.test(value) ? compileText(value) : constant(value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function compileArray(node: Node, compileText: CompileText): Evaluate {
  const items = list(node.value).map((item) => compileExpression(item, compileText));
  if (node.isRange !== true) return (scope) => items.map((item) => item(scope));
  return (scope) => {
    const [from, to] = items.map((item) => numberOf(item(scope)));
    if (from === undefined || to === undefined) return null;
    const length = Math.abs(to - from) + 1;
    if (length > RANGE_ITEMS_MAX) throw new TemplateError(`a range of ${length} items, allowed: ${RANGE_ITEMS_MAX}`);
    return Array.from({ length }, (_item, index) => (to >= from ? from + index : from - index));
  };
}

function compileMap(node: Node, compileText: CompileText): Evaluate {
  const members = Object.entries(isNode(node.value) ? node.value : {}).map(
    ([name, member]) => [name, compileExpression(member, compileText)] as const,
  );
  return (scope) => {
    const map: VtlMap = {};
    for (const [name, member] of members) setMember(map, name, member(scope));
    return map;
  };
}

interface Step {
  readonly read: (scope: Scope, target: VtlValue) => VtlValue;
  /** The member that `#set` sets; undefined for a method. */
  readonly key?: (scope: Scope) => VtlValue;
}

/** Undefined variables give `undefined` to who asks: a template writes their source. */
export function compileReference(node: Node, compileText: CompileText): (scope: Scope) => VtlValue {
  const id = String(node.id);
  if (node.args !== undefined) throw new Error(`$${id}(…) is not run locally: methods are called of a value`);
  const steps = list(node.path).map((step) => compileStep(step, compileText));
  return (scope) => {
    scope.step();
    let value = ownMember(scope.variables, id);
    for (const { read } of steps) {
      if (value === null) return null;
      value = read(scope, value);
    }
    return value;
  };
}

/** `#set($a.b = …)`: a member of a map that the template may change. */
export function compileAssignment(node: Node, compileText: CompileText): (scope: Scope, value: VtlValue) => void {
  const id = String(node.id);
  const steps = list(node.path).map((step) => compileStep(step, compileText));
  const last = steps.pop();
  if (!last) return (scope, value) => setMember(scope.variables, id, value);
  const { key } = last;
  if (!key) throw new Error(`#set of a method of $${id} is not run locally`);
  return (scope, value) => {
    let target = ownMember(scope.variables, id);
    for (const { read } of steps) target = target === null ? null : read(scope, target);
    const name = key(scope);
    if (Array.isArray(target)) callMethod(target, 'set', [name, value]);
    else if (target !== null && isMap(target)) setMember(target, textOf(name), value);
    else throw new TemplateError(`#set: $${id} has no member ${textOf(name)} that can be set`);
  };
}

function compileStep(given: unknown, compileText: CompileText): Step {
  const step = isNode(given) ? given : {};
  const id = String(step.id);
  if (step.type === 'property') return { key: () => id, read: (_scope, target) => memberOf(target, id) };
  if (step.type === 'index') {
    const key = compileExpression(step.id, compileText);
    return { key, read: (scope, target) => memberOf(target, key(scope)) };
  }
  if (step.type !== 'method') throw new Error(`${String(step.type)} of a reference is not run locally`);
  const args = list(step.args).map((argument) => compileExpression(argument, compileText));
  return {
    read: (scope, target) => {
      scope.step();
      return callMethod(
        target,
        id,
        args.map((argument) => argument(scope)),
      );
    },
  };
}

function memberOf(target: VtlValue, key: VtlValue): VtlValue {
  if (Array.isArray(target)) {
    const index = numberOf(key);
    return index === undefined ? null : (target.at(index) ?? null);
  }
  if (isObject(target)) return target.member(textOf(key)) ?? null;
  return isMap(target) ? ownMember(target, textOf(key)) : null;
}

/** True, false, or what engines of Velocity disagree on. */
type Truth = boolean | typeof DISPUTED;

/** Empty texts and lists, and 0: true in Velocity 1, false in Velocity 2. */
const DISPUTED = 'disputed';

/**
 * A condition, whichever version of Velocity API Gateway has.
 * @throws TemplateError when it comes out differently by version, so that no template relies on one of them
 */
export function compileCondition(node: unknown, compileText: CompileText): (scope: Scope) => boolean {
  const truth = compileTruth(node, compileText);
  return (scope) => {
    const result = truth(scope);
    if (result !== DISPUTED) return result;
    throw new TemplateError('a condition of what is empty or 0: true in Velocity 1, false in Velocity 2; compare it');
  };
}

function compileTruth(node: unknown, compileText: CompileText): (scope: Scope) => Truth {
  if (!isNode(node) || node.type !== 'math' || !['&&', '||', 'not', 'parenthesis'].includes(String(node.operator))) {
    const evaluate = compileExpression(node, compileText);
    return (scope) => truthOf(evaluate(scope));
  }
  const [left = () => false, right = () => false] = list(node.expression).map((each) =>
    compileTruth(each, compileText),
  );
  if (node.operator === 'parenthesis') return left;
  if (node.operator === 'not') return (scope) => negated(left(scope));
  const decisive = node.operator === '||';
  return (scope) => {
    const one = left(scope);
    if (one === decisive) return decisive;
    const other = right(scope);
    return other === decisive || one !== DISPUTED ? other : DISPUTED;
  };
}

function negated(truth: Truth): Truth {
  return truth === DISPUTED ? DISPUTED : !truth;
}

function truthOf(value: VtlValue): Truth {
  if (typeof value === 'boolean') return value;
  if (value === null) return false;
  return value === '' || numberOf(value) === 0 || (Array.isArray(value) && value.length === 0) ? DISPUTED : true;
}

function compileMath(node: Node, compileText: CompileText): Evaluate {
  const operands = list(node.expression).map((operand) => compileExpression(operand, compileText));
  const [left = constant(null), right = constant(null)] = operands;
  switch (node.operator) {
    case '&&':
    case '||':
    case 'not':
      return compileCondition(node, compileText);
    case 'parenthesis':
      return left;
    case '==':
      return (scope) => areEqual(left(scope), right(scope));
    case '!=':
      return (scope) => !areEqual(left(scope), right(scope));
    case 'minus':
      return (scope) => calculate('-', 0, left(scope));
    case '+':
    case '-':
    case '*':
    case '/':
    case '%': {
      const operator = node.operator;
      return (scope) => calculate(operator, left(scope), right(scope));
    }
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const operator = node.operator;
      return (scope) => compare(operator, left(scope), right(scope));
    }
    default:
      throw new Error(`the operator ${String(node.operator)} is not run locally`);
  }
}

/** Numbers by value, the rest by its text, as Velocity has it; null equals null alone. */
function areEqual(left: VtlValue, right: VtlValue): boolean {
  if (left === null || right === null) return left === right;
  const [one, other] = [numberOf(left), numberOf(right)];
  return one !== undefined && other !== undefined ? one === other : textOf(left) === textOf(right);
}

function compare(operator: '<' | '<=' | '>' | '>=', left: VtlValue, right: VtlValue): boolean {
  const [one, other] = [numberOf(left), numberOf(right)];
  if (one === undefined || other === undefined) return false;
  if (operator === '<') return one < other;
  if (operator === '<=') return one <= other;
  return operator === '>' ? one > other : one >= other;
}

/** Whole numbers stay whole, as in Java; with a text, + puts together. Null for what has no result. @throws TemplateError */
function calculate(operator: '+' | '-' | '*' | '/' | '%', left: VtlValue, right: VtlValue): VtlValue {
  const [one, other] = [numberOf(left), numberOf(right)];
  if (one === undefined || other === undefined) {
    if (operator !== '+' || (typeof left !== 'string' && typeof right !== 'string')) return null;
    if (left !== null && right !== null) return textOf(left) + textOf(right);
    throw new TemplateError('+ of a text and what is absent');
  }
  if (other === 0 && (operator === '/' || operator === '%')) return null;
  const result = { '+': one + other, '-': one - other, '*': one * other, '/': one / other, '%': one % other }[operator];
  const areWhole = typeof left === 'number' && typeof right === 'number';
  return areWhole ? Math.trunc(result) : new JsonNumber(String(result));
}
