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
      : // biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is inferred as void.
        Value extends NotJson | undefined | void
        ? null
        : Value extends { toJSON(...key: never): infer Json }
          ? JsonOf<Json>
          : Value extends Hollow
            ? Record<string, never>
            : Value extends readonly unknown[]
              ? { [Index in keyof Value]: JsonOf<Value[Index]> }
              : Value extends object
                ? Flat<RequiredFields<Value> & OptionalFields<Value>>
                : Value;

/** What JSON leaves out of objects. */
type NotJson = symbol | ((...args: never) => unknown);

/** Objects whose content JSON does not see. */
type Hollow = ReadonlyMap<never, unknown> | ReadonlySet<unknown> | RegExp | Promise<unknown>;

type RequiredFields<Value> = {
  [Field in keyof Value as undefined extends Value[Field] ? never : Kept<Value, Field>]: JsonOf<Value[Field]>;
};

/** A field that may be undefined may be missing. */
type OptionalFields<Value> = {
  [Field in keyof Value as undefined extends Value[Field] ? Kept<Value, Field> : never]?: JsonOf<
    Exclude<Value[Field], undefined>
  >;
};

type Kept<Value, Field extends keyof Value> = Field extends symbol
  ? never
  : Value[Field] extends NotJson
    ? never
    : Field;

type Flat<Value> = { [Field in keyof Value]: Value[Field] };

/**
 * The payload that `enqueue` takes for a job without a schema: the one that `perform` declares. If JSON changes a part
 * of it, such as a `Date`, nothing fits, and the compiler shows a text that names the part: `perform` would get another
 * type than it declares.
 */
export type UnchangedByJson<Payload> = [ChangedPart<Payload>] extends [never]
  ? Payload
  : `JSON changes ${ChangedPart<Payload>} of the payload: declare what arrives, such as a string for a Date, or use a schema`;

/** The path of a part that JSON changes; never if there is none. Deeper levels than five are not searched. */
type ChangedPart<Value, Path extends string = "", Level extends readonly 1[] = []> = Level["length"] extends 5
  ? never
  : unknown extends Value
    ? never
    : Value extends string | number | boolean | null | undefined
      ? never
      : Value extends bigint | NotJson | Hollow | { toJSON(...key: never): unknown }
        ? Path extends ""
          ? "the whole"
          : `"${Path}"`
        : Value extends readonly (infer Item)[]
          ? ChangedPart<Item, `${Path}[]`, [...Level, 1]>
          : {
              [Field in keyof Value & string]: ChangedPart<
                Value[Field],
                Path extends "" ? Field : `${Path}.${Field}`,
                [...Level, 1]
              >;
            }[keyof Value & string];
