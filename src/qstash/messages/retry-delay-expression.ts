import { invalidRequest } from "../../core/shared/errors.ts";

/** Returns the wait before a retry in ms. `retried` is 0 for the first retry. */
export type RetryDelay = (retried: number) => number;

/** The longest expression, which also limits its depth. */
const LONGEST = 256;

const functions: Readonly<
  Record<string, { readonly least: number; readonly most: number; call(...values: number[]): number }>
> = {
  pow: { least: 2, most: 2, call: Math.pow },
  sqrt: { least: 1, most: 1, call: Math.sqrt },
  abs: { least: 1, most: 1, call: Math.abs },
  exp: { least: 1, most: 1, call: Math.exp },
  floor: { least: 1, most: 1, call: Math.floor },
  ceil: { least: 1, most: 1, call: Math.ceil },
  round: { least: 1, most: 1, call: Math.round },
  min: { least: 1, most: LONGEST, call: Math.min },
  max: { least: 1, most: LONGEST, call: Math.max },
};

const tokenPattern = /\s*(?:(\d+(?:\.\d+)?|\.\d+)|([a-z]+)|([-+*/%(),]))/gy;

/**
 * Reads an expression such as "pow(2, retried) * 1000": numbers, `retried`, + - * / %, parentheses, and the functions
 * pow, sqrt, abs, exp, floor, ceil, round, min and max.
 *
 * @param header the name for the message.
 * @throws {TidegateError} `invalid_request`
 */
export function readRetryDelay(text: string, header: string): RetryDelay {
  const tokens = tokensOf(text);
  const delay = tokens && new Parser(tokens).read();
  if (delay) return delay;
  throw invalidRequest(
    `${header} must be an expression such as "pow(2, retried) * 1000", in milliseconds, with retried, + - * / %, and ${Object.keys(functions).join(", ")}.`,
  );
}

function tokensOf(text: string): readonly string[] | undefined {
  if (text.length > LONGEST) return undefined;
  const matches = [...text.trim().matchAll(tokenPattern)];
  const tokens = matches.map(([, number, word, sign]) => number ?? word ?? sign ?? "");
  const length = matches.reduce((sum, [match]) => sum + match.length, 0);
  return length === text.trim().length ? tokens : undefined;
}

/** A recursive descent parser. Each method returns undefined for invalid text. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  read(): RetryDelay | undefined {
    const delay = this.#sum();
    return this.#at === this.#tokens.length ? delay : undefined;
  }

  #sum(): RetryDelay | undefined {
    return this.#chain(["+", "-"], () => this.#product());
  }

  #product(): RetryDelay | undefined {
    return this.#chain(["*", "/", "%"], () => this.#signed());
  }

  #chain(signs: readonly string[], next: () => RetryDelay | undefined): RetryDelay | undefined {
    let left = next();
    while (left && signs.includes(this.#peek())) {
      const sign = this.#take();
      left = applied(sign, left, next());
    }
    return left;
  }

  #signed(): RetryDelay | undefined {
    if (this.#peek() !== "-" && this.#peek() !== "+") return this.#value();
    return applied(this.#take(), () => 0, this.#signed());
  }

  #value(): RetryDelay | undefined {
    const token = this.#take();
    if (/^[\d.]/.test(token)) return () => Number(token);
    if (token === "retried") return (retried) => retried;
    if (token === "(") return this.#closed(this.#sum());
    const named = Object.hasOwn(functions, token) ? functions[token] : undefined;
    if (!named || this.#take() !== "(") return undefined;
    const values = this.#values();
    if (!values || values.length < named.least || values.length > named.most) return undefined;
    return this.#closed((retried) => named.call(...values.map((value) => value(retried))));
  }

  #values(): readonly RetryDelay[] | undefined {
    const values: RetryDelay[] = [];
    for (;;) {
      const value = this.#sum();
      if (!value) return undefined;
      values.push(value);
      if (this.#peek() !== ",") return values;
      this.#take();
    }
  }

  #closed(delay: RetryDelay | undefined): RetryDelay | undefined {
    return this.#take() === ")" ? delay : undefined;
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #take(): string {
    return this.#tokens[this.#at++] ?? "";
  }
}

const signs: Readonly<Record<string, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};

function applied(sign: string, left: RetryDelay, right: RetryDelay | undefined): RetryDelay | undefined {
  const apply = signs[sign];
  return right && apply && ((retried) => apply(left(retried), right(retried)));
}
