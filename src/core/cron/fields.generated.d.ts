/** The fields of an expression, as cron-parser parses them. */
export interface Fields {
  readonly second: { readonly values: readonly number[] };
  readonly minute: { readonly values: readonly number[] };
  readonly hour: { readonly values: readonly number[] };
  readonly month: { readonly values: readonly number[] };
  readonly dayOfMonth: { readonly values: readonly (number | string)[]; readonly isWildcard: boolean };
  readonly dayOfWeek: {
    readonly values: readonly (number | string)[];
    readonly isWildcard: boolean;
    readonly nthDay: number;
  };
}

/**
 * @param hashSeed the values of `H` are derived from it: without one, no two processes would agree.
 * @throws {Error} if the expression cannot be parsed. The message does not say which field is wrong.
 */
export function parseFields(expression: string, hashSeed: string): Fields;
