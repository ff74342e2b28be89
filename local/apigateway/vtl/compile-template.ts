/**
 * A mapping template, read once and rendered for each request: the directives `#set`, `#if`, `#foreach`, `#break`, and
 * comments. Others are refused by name when the template is read.
 *
 * Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html,
 * limits: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
 */
import { parse } from 'velocityjs';
import {
  compileAssignment,
  compileCondition,
  compileExpression,
  compileReference,
  isNode,
  type Node,
} from './compile-expression.ts';
import { Scope } from './scope.ts';
import { isMap, textOf, type VtlMap, type VtlValue } from './value.ts';

/** Gives what the template writes. @param variables by name without `$`; those of `#set` are added to them */
export type Template = (variables: VtlMap) => string;

/** Bytes of a template. */
export const TEMPLATE_BYTES_MAX = 300 * 1024;
/** Iterations of one `#foreach`. It ends there without an error, as Velocity's `directive.foreach.maxloops` has it. */
export const FOREACH_ITERATIONS_MAX = 1_000;

type Write = (scope: Scope) => void;

/** @throws Error in one line: what is wrong with the template */
export function compileTemplate(source: string): Template {
  const bytes = Buffer.byteLength(source);
  if (bytes > TEMPLATE_BYTES_MAX) throw new Error(`a template of ${bytes} bytes, allowed: ${TEMPLATE_BYTES_MAX}`);
  const write = compileSource(source);
  return (variables) => {
    const scope = new Scope(variables);
    write(scope);
    return scope.output;
  };
}

function compileSource(source: string): Write {
  try {
    return compileBlock(parse(source));
  } catch (error) {
    const reason = Error.isError(error) ? error.message.replaceAll(/\s*\n\s*/g, ' ') : String(error);
    throw new Error(`the template ${JSON.stringify(source.slice(0, 60))}: ${reason}`, { cause: error });
  }
}

function compileText(source: string): (scope: Scope) => string {
  const write = compileSource(source);
  return (scope) => scope.capture(() => write(scope));
}

function compileBlock(nodes: unknown): Write {
  const writes = (Array.isArray(nodes) ? nodes : []).map(compileNode);
  return (scope) => {
    for (const write of writes) {
      if (scope.isBroken) return;
      write(scope);
    }
  };
}

function compileNode(given: unknown): Write {
  if (typeof given === 'string') return (scope) => scope.write(given);
  if (Array.isArray(given)) return compileNested(given);
  const node = isNode(given) ? given : {};
  switch (node.type) {
    case 'references':
      return compileWrittenReference(node);
    case 'set':
      return compileSet(node);
    case 'comment':
      return () => undefined;
    case 'raw': {
      const text = String(node.value);
      return (scope) => scope.write(text);
    }
    case 'break':
      return (scope) => {
        scope.isBroken = true;
      };
    default:
      throw new Error(`#${String(node.id ?? node.type)} is not run locally`);
  }
}

function compileNested([head, ...body]: readonly unknown[]): Write {
  const node = isNode(head) ? head : {};
  if (node.type === 'if') return compileIf([head, ...body]);
  if (node.type === 'foreach') return compileForeach(node, body);
  throw new Error(`#${String(node.type)} is not run locally`);
}

/** A variable that nothing has set is written as it stands, unless it says `$!`; what a variable does not have, as nothing. */
function compileWrittenReference(node: Node): Write {
  const read = compileReference(node, compileText);
  const id = String(node.id);
  const source = sourceOf(node);
  return (scope) => scope.write(Object.hasOwn(scope.variables, id) ? textOf(read(scope)) : source);
}

function sourceOf(node: Node): string {
  if (node.leader === '$!') return '';
  const steps = Array.isArray(node.path) ? node.path.filter(isNode) : [];
  const path = steps.map((step) => (step.type === 'property' ? `.${String(step.id)}` : '…')).join('');
  return node.isWraped === true ? `\${${String(node.id)}${path}}` : `$${String(node.id)}${path}`;
}

function compileSet(node: Node): Write {
  const [target, given]: readonly unknown[] = Array.isArray(node.equal) ? node.equal : [];
  if (!isNode(target)) throw new Error('#set has no variable');
  const assign = compileAssignment(target, compileText);
  const value = compileExpression(given, compileText);
  return (scope) => {
    scope.step();
    assign(scope, value(scope));
  };
}

interface Branch {
  readonly condition: ((scope: Scope) => boolean) | undefined;
  readonly nodes: unknown[];
}

function compileIf(nodes: readonly unknown[]): Write {
  const branches: Branch[] = [];
  for (const node of nodes) {
    const type = isNode(node) ? node.type : undefined;
    if (type === 'else') branches.push({ condition: undefined, nodes: [] });
    else if (isNode(node) && (type === 'if' || type === 'elseif')) {
      branches.push({ condition: compileCondition(node.condition, compileText), nodes: [] });
    } else branches.at(-1)?.nodes.push(node);
  }
  const compiled = branches.map(({ condition, nodes: body }) => ({ condition, write: compileBlock(body) }));
  return (scope) => {
    scope.step();
    compiled.find(({ condition }) => !condition || condition(scope))?.write(scope);
  };
}

function compileForeach(node: Node, body: readonly unknown[]): Write {
  const items = compileExpression(node.from, compileText);
  const name = String(node.to);
  const write = compileBlock(body);
  return (scope) => {
    const all = itemsOf(items(scope));
    scope.shadow([name, 'foreach', 'velocityCount', 'velocityHasNext'], () => {
      for (const [index, item] of all.entries()) {
        if (index >= FOREACH_ITERATIONS_MAX || scope.isBroken) break;
        scope.step();
        const hasNext = index + 1 < all.length;
        scope.variables[name] = item;
        scope.variables.foreach = { index, count: index + 1, hasNext, first: index === 0, last: !hasNext };
        scope.variables.velocityCount = index + 1;
        scope.variables.velocityHasNext = hasNext;
        write(scope);
      }
    });
    scope.isBroken = false;
  };
}

/** A map gives its values. */
function itemsOf(value: VtlValue): readonly VtlValue[] {
  if (Array.isArray(value)) return value;
  return value !== null && isMap(value) ? Object.values(value) : [];
}
