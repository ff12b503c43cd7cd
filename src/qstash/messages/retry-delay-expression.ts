import { invalidRequest } from "../../core/shared/errors.ts";

/** The longest expression, which also limits its depth. */
const LONGEST = 256;

/** The functions, and how many values each takes: 0 for one or more. */
const functions = { pow: 2, sqrt: 1, abs: 1, exp: 1, floor: 1, ceil: 1, round: 1, min: 0, max: 0 } as const;

const tokenPattern = /\s*(?:\d+(?:\.\d+)?|\.\d+|[a-z]+|[-+*/%(),])/gy;

/**
 * The value of an expression such as "pow(2, retried) * 1000": numbers, `retried`, + - * / %, parentheses, and the
 * functions pow, sqrt, abs, exp, floor, ceil, round, min and max.
 *
 * @param retried 0 before the first retry.
 * @param header the name for the message.
 * @throws {TidegateError} `invalid_request`
 */
export function retryDelayMs(text: string, retried: number, header: string): number {
  const value = new Parser(tokensOf(text), retried).read();
  if (value !== undefined) return value;
  throw invalidRequest(
    `${header} must be an expression such as "pow(2, retried) * 1000", in milliseconds, with retried, + - * / %, and ${Object.keys(functions).join(", ")}.`,
  );
}

/** Empty, which is no expression, for a text with anything else in it. */
function tokensOf(text: string): readonly string[] {
  const matches = text.length > LONGEST ? [] : [...text.trim().matchAll(tokenPattern)];
  const length = matches.reduce((sum, [match]) => sum + match.length, 0);
  return length === text.trim().length ? matches.map(([match]) => match.trim()) : [];
}

/** A recursive descent parser that calculates as it reads. Each method returns undefined for invalid text. */
class Parser {
  readonly #tokens: readonly string[];
  readonly #retried: number;
  #at = 0;

  constructor(tokens: readonly string[], retried: number) {
    this.#tokens = tokens;
    this.#retried = retried;
  }

  read(): number | undefined {
    const value = this.#sum();
    return this.#at === this.#tokens.length ? value : undefined;
  }

  #sum(): number | undefined {
    return this.#chain(["+", "-"], () => this.#product());
  }

  #product(): number | undefined {
    return this.#chain(["*", "/", "%"], () => this.#signed());
  }

  #chain(signs: readonly string[], next: () => number | undefined): number | undefined {
    let left = next();
    while (left !== undefined && signs.includes(this.#peek())) left = applied(this.#take(), left, next());
    return left;
  }

  #signed(): number | undefined {
    return ["-", "+"].includes(this.#peek()) ? applied(this.#take(), 0, this.#signed()) : this.#value();
  }

  #value(): number | undefined {
    const token = this.#take();
    if (/^[\d.]/.test(token)) return Number(token);
    if (token === "retried") return this.#retried;
    if (token !== "(" && !(Object.hasOwn(functions, token) && this.#take() === "(")) return undefined;
    const values = [this.#sum()];
    while (token !== "(" && this.#peek() === ",") {
      this.#take();
      values.push(this.#sum());
    }
    const known = values.filter((value) => value !== undefined);
    if (known.length < values.length || this.#take() !== ")") return undefined;
    if (token === "(") return known[0];
    const name = token as keyof typeof functions;
    const call: (...values: number[]) => number = Math[name];
    return functions[name] === 0 || functions[name] === known.length ? call(...known) : undefined;
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #take(): string {
    return this.#tokens[this.#at++] ?? "";
  }
}

function applied(sign: string, left: number, right: number | undefined): number | undefined {
  if (right === undefined) return undefined;
  if (sign === "+") return left + right;
  if (sign === "-") return left - right;
  if (sign === "*") return left * right;
  return sign === "/" ? left / right : left % right;
}
