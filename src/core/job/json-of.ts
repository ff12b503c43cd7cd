/**
 * What arrives of a value that is stored as JSON: a `Date` as its text, a `Map` as an empty object, and no functions.
 * Nothing at all arrives as null.
 */
export type JsonOf<Value> = unknown extends Value
  ? Value
  : Value extends string | number | boolean | null
    ? Value
    : Value extends bigint
      ? never
      : // biome-ignore lint/suspicious/noConfusingVoidType: a `perform` that returns nothing is inferred as void.
        Value extends undefined | void | symbol | ((...args: never) => unknown)
        ? null
        : Value extends {
              /** Makes the JSON of an object. */
              readonly toJSON: (...key: never) => infer Json;
            }
          ? JsonOf<Json>
          : Value extends ReadonlyMap<never, unknown> | ReadonlySet<unknown> | RegExp | Promise<unknown>
            ? Record<string, never>
            : Value extends readonly unknown[]
              ? { [Index in keyof Value]: JsonOf<Value[Index]> }
              : Value extends object
                ? {
                    [Field in keyof Value as undefined extends Value[Field]
                      ? never
                      : StoredField<Value, Field>]: JsonOf<Value[Field]>;
                  } & {
                    [Field in keyof Value as undefined extends Value[Field]
                      ? StoredField<Value, Field>
                      : never]?: JsonOf<Exclude<Value[Field], undefined>>;
                  } extends infer Fields
                  ? { [Field in keyof Fields]: Fields[Field] }
                  : never
                : Value;

/** The name of a field of an object, if JSON has it: of functions and symbols it has none. */
export type StoredField<Value, Field extends keyof Value> = Field extends symbol
  ? never
  : Value[Field] extends symbol | ((...args: never) => unknown)
    ? never
    : Field;

/**
 * The payload that `enqueue` takes for a job without a schema: the one that `perform` declares. If JSON changes a part
 * of it, such as a `Date`, nothing fits, and the compiler shows a text that names the part: `perform` would get another
 * type than it declares.
 */
export type UnchangedByJson<Payload> = [ChangedByJson<Payload>] extends [never]
  ? Payload
  : `JSON changes ${ChangedByJson<Payload>} of the payload: declare what arrives, such as a string for a Date, or use a schema`;

/** The path of a part that JSON changes; never if there is none. Deeper levels than five are not searched. */
export type ChangedByJson<Value, Path extends string = "", Level extends readonly 1[] = []> = Level["length"] extends 5
  ? never
  : unknown extends Value
    ? never
    : Value extends string | number | boolean | null | undefined
      ? never
      : Value extends
            | bigint
            | symbol
            | ((...args: never) => unknown)
            | ReadonlyMap<never, unknown>
            | ReadonlySet<unknown>
            | RegExp
            | Promise<unknown>
            | {
                /** Makes the JSON of an object. */
                readonly toJSON: (...key: never) => unknown;
              }
        ? Path extends ""
          ? "the whole"
          : `"${Path}"`
        : Value extends readonly (infer Item)[]
          ? ChangedByJson<Item, `${Path}[]`, [...Level, 1]>
          : {
              [Field in keyof Value & string]: ChangedByJson<
                Value[Field],
                Path extends "" ? Field : `${Path}.${Field}`,
                [...Level, 1]
              >;
            }[keyof Value & string];
