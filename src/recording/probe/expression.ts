/**
 * Conditions and addresses in a probe: C's operators on numbers, names of arguments and registers, `*ADDRESS` for the word
 * there, and `==` and `!=` between strings. Numbers are 32 bits wide unless a floating-point value is among them; they
 * are compared as signed ones unless one of them only fits unsigned, as in C.
 */
import { UsageError } from '../../errors.js';

/** A number or a text; undefined when it could not be read from guest memory. */
export type Operand = number | string | undefined;

export type Expression =
  | { readonly kind: 'constant'; readonly value: number | string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression };

const TOKEN =
  /\s*(0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?|[A-Za-z_]\w*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'|\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>()])/y;
const PRECEDENCE: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '<=': 7,
  '>': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
};
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0' };

const unquote = (token: string): string =>
  token.slice(1, -1).replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);

class ExpressionParser {
  private readonly tokens: string[] = [];
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
    TOKEN.lastIndex = 0;
    const end = text.trimEnd().length;
    while (TOKEN.lastIndex < end) {
      const match = TOKEN.exec(text);
      if (match === null) throw this.bad();
      this.tokens.push(match[1] as string);
    }
  }

  whole(): Expression {
    const expression = this.binary(0);
    if (this.at < this.tokens.length) throw this.bad();
    return expression;
  }

  private bad(): UsageError {
    return new UsageError(`cannot make sense of the expression ${JSON.stringify(this.text)}`, {
      hint: 'for example arg1 > 10 && *r2 == 0, or path == "/etc/passwd"',
    });
  }

  private binary(above: number): Expression {
    let left = this.unary();
    for (;;) {
      const operator = this.tokens[this.at];
      const precedence = operator === undefined ? 0 : (PRECEDENCE[operator] ?? 0);
      if (operator === undefined || precedence <= above) return left;
      this.at++;
      left = { kind: 'binary', operator, left, right: this.binary(precedence) };
    }
  }

  private unary(): Expression {
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.bad();
    if (/^[-!~*+]$/.test(token)) return { kind: 'unary', operator: token, operand: this.unary() };
    if (token === '(') {
      const inner = this.binary(0);
      if (this.tokens[this.at++] !== ')') throw this.bad();
      return inner;
    }
    if (/^[0-9]/.test(token)) return { kind: 'constant', value: Number(token) };
    if (token[0] === '"') return { kind: 'constant', value: unquote(token) };
    if (token[0] === "'") return { kind: 'constant', value: unquote(token).charCodeAt(0) };
    if (/^[A-Za-z_]/.test(token)) return { kind: 'name', name: token };
    throw this.bad();
  }
}

/** Throws UsageError. */
export const parseExpression = (text: string): Expression => new ExpressionParser(text).whole();

/** What names stand for, at a hit, and what is in guest memory. */
export interface Scope<At> {
  /** Throws UsageError for a name nobody knows. */
  name(name: string): (at: At) => Operand;
  word(at: At, address: number): number | undefined;
}

const wrap = (value: number): number => (Number.isInteger(value) && Math.abs(value) < 2 ** 53 ? value | 0 : value);
/** As signed numbers, unless one of them is too large for that. */
const compare = (left: number, right: number): number => {
  const isUnsigned = left > 0x7fff_ffff || right > 0x7fff_ffff;
  const same = (value: number): number => (isUnsigned && value < 0 && Number.isInteger(value) ? value >>> 0 : value);
  return same(left) - same(right);
};

const ARITHMETIC: Readonly<Record<string, (left: number, right: number) => number>> = {
  '|': (left, right) => left | right,
  '^': (left, right) => left ^ right,
  '&': (left, right) => left & right,
  '==': (left, right) => Number(compare(left, right) === 0),
  '!=': (left, right) => Number(compare(left, right) !== 0),
  '<': (left, right) => Number(compare(left, right) < 0),
  '<=': (left, right) => Number(compare(left, right) <= 0),
  '>': (left, right) => Number(compare(left, right) > 0),
  '>=': (left, right) => Number(compare(left, right) >= 0),
  '<<': (left, right) => left << right,
  '>>': (left, right) => (left > 0x7fff_ffff ? left >>> right : left >> right),
  '+': (left, right) => wrap(left + right),
  '-': (left, right) => wrap(left - right),
  '*': (left, right) => (Number.isInteger(left) && Number.isInteger(right) ? Math.imul(left, right) : left * right),
  '/': (left, right) => (Number.isInteger(left) && Number.isInteger(right) ? Math.trunc(left / right) : left / right),
  '%': (left, right) => left % right,
};

const UNARY: Readonly<Record<string, (value: number) => number>> = {
  '-': (value) => wrap(-value),
  '+': (value) => value,
  '!': (value) => Number(value === 0),
  '~': (value) => ~value,
};

const isTrue = (value: Operand): boolean => value !== undefined && value !== 0;

const textOperation = (operator: string, left: Operand, right: Operand): Operand => {
  if (left === undefined || right === undefined) return undefined;
  return operator === '==' ? Number(left === right) : operator === '!=' ? Number(left !== right) : undefined;
};

/** Makes a function of an expression. Throws UsageError for a name nobody knows. */
export const bindExpression = <At>(expression: Expression, scope: Scope<At>): ((at: At) => Operand) => {
  switch (expression.kind) {
    case 'constant':
      return () => expression.value;
    case 'name':
      return scope.name(expression.name);
    case 'unary':
      return bindUnary(expression, scope);
    case 'binary':
      return bindBinary(expression, scope);
  }
};

const bindUnary = <At>(
  { operator, operand }: Extract<Expression, { kind: 'unary' }>,
  scope: Scope<At>,
): ((at: At) => Operand) => {
  const value = bindExpression(operand, scope);
  const operation = UNARY[operator];
  return (at) => {
    const known = value(at);
    if (typeof known !== 'number') return undefined;
    return operation === undefined ? scope.word(at, known >>> 0) : operation(known);
  };
};

const bindBinary = <At>(
  { operator, left, right }: Extract<Expression, { kind: 'binary' }>,
  scope: Scope<At>,
): ((at: At) => Operand) => {
  const [first, second] = [bindExpression(left, scope), bindExpression(right, scope)];
  if (operator === '&&') return (at) => Number(isTrue(first(at)) && isTrue(second(at)));
  if (operator === '||') return (at) => Number(isTrue(first(at)) || isTrue(second(at)));
  const operation = ARITHMETIC[operator] as (left: number, right: number) => number;
  return (at) => {
    const [a, b] = [first(at), second(at)];
    return typeof a === 'number' && typeof b === 'number' ? operation(a, b) : textOperation(operator, a, b);
  };
};
