import { invalidRequest } from "../../core/shared/errors.ts";

/** The longest expression, which also limits its depth. */
const LONGEST = 256;

/** The functions, and how many values each takes: 0 for one or more. */
const functions = { pow: 2, sqrt: 1, abs: 1, exp: 1, floor: 1, ceil: 1, round: 1, min: 0, max: 0 } as const;

const isFunction = (token: string): token is keyof typeof functions => Object.hasOwn(functions, token);

/** Numbers, words, and whatever else, a character at a time. */
const tokenPattern = /\d+(?:\.\d+)?|\.\d+|[a-z]+|\S/g;

/** The value of such as "pow(2, retried) * 1000", calculated as it is read. @param retried 0 before the first retry. */
export function retryDelayMs(text: string, retried: number, header: string): number {
  const tokens = text.length > LONGEST ? [] : (text.match(tokenPattern) ?? []);
  let at = 0;
  const take = (...wanted: readonly string[]) => (wanted.includes(tokens[at] ?? "") ? tokens[at++] : undefined);
  const check = (isValid: unknown) => {
    if (!isValid)
      throw invalidRequest(
        `${header} must be an expression such as "pow(2, retried) * 1000", in milliseconds, with retried, + - * / %, and ${Object.keys(functions).join(", ")}.`,
      );
  };
  const sum = (): number => {
    let left = product();
    for (let sign = take("+", "-"); sign; sign = take("+", "-")) left += sign === "+" ? product() : -product();
    return left;
  };
  const product = (): number => {
    let left = signed();
    for (let sign = take("*", "/", "%"); sign; sign = take("*", "/", "%")) {
      const right = signed();
      left = sign === "*" ? left * right : sign === "/" ? left / right : left % right;
    }
    return left;
  };
  const signed = (): number => {
    const sign = take("-", "+");
    if (!sign) return value();
    return sign === "-" ? 0 - signed() : signed();
  };
  const value = (): number => {
    const token = tokens[at++] ?? "";
    if (/^\.?\d/.test(token)) return Number(token);
    if (token === "retried") return retried;
    check(token === "(" || (isFunction(token) && take("(")));
    const values = [sum()];
    while (isFunction(token) && take(",")) values.push(sum());
    check(take(")"));
    if (!isFunction(token)) return values[0] ?? 0;
    check(functions[token] === 0 || functions[token] === values.length);
    const call: (...values: number[]) => number = Math[token];
    return call(...values);
  };
  const result = sum();
  check(at === tokens.length);
  return result;
}
