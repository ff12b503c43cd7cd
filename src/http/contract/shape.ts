import type { JsonSchema } from "../../core/shared/schema.ts";

/** The body of a response. Without `json` there is none. */
export interface ResponseBody {
  readonly json?: JsonSchema;
  /** Default: `application/json`. */
  readonly contentType?: string;
}

/** The JSON of a type, with times in ISO 8601. It compiles for this type alone, so no document differs. */
export interface Shape<Value> extends ResponseBody {
  readonly json: JsonSchema;
  /** Carries the type. Never set at run time. */
  readonly type: (value: Value) => Value;
}

type Part = Pick<Shape<unknown>, "json">;

export const shape = <Value>(json: JsonSchema): Shape<Value> => ({ json }) as Shape<Value>;

/** An object with these fields. One whose name ends in "?" may be missing. Later versions may add more. */
export function record<Value>(fields: Readonly<Record<string, Part>>): Shape<Value> {
  const all = Object.entries(fields).map(([name, { json }]) => [name.replace("?", ""), json] as const);
  const required = Object.keys(fields).filter((name) => !name.endsWith("?"));
  return shape({ type: "object", properties: Object.fromEntries(all), required });
}

export const described = <Value>({ json }: Part, description: string) => shape<Value>({ ...json, description });
export const either = <Value>(...parts: readonly Part[]) => shape<Value>({ anyOf: parts.map(({ json }) => json) });
export const list = ({ json }: Part) => shape({ type: "array", items: json });
export const words = (...words: readonly string[]) => shape({ type: "string", enum: words });
export const nullable = ({ json }: Part) => shape({ ...json, type: [json["type"], "null"] });
export const anything = shape({});
export const text = shape({ type: "string" });
export const flag = shape({ type: "boolean" });
export const count = shape({ type: "integer", minimum: 0 });
export const amount = shape({ type: "number", minimum: 0 });
export const time = shape({ type: "string", format: "date-time" });

export const nothing: { readonly json?: never } = {};

export const jobEvents = {
  json: {
    type: "string",
    description:
      "Server-sent events. The data is JSON: state (also gone) and progress, and maybe step, children, result, error.",
  },
  contentType: "text/event-stream",
} as const;
export const metrics = { json: { type: "string" }, contentType: "text/plain; version=0.0.4; charset=utf-8" } as const;
export const openApi: ResponseBody = { json: { type: "object", description: "An OpenAPI 3.1 document." } };
