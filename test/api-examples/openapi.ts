import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { JsonSchema } from "../../src/core/shared/schema.ts";
import { shown } from "../../src/testing/differences.ts";

interface Reference {
  readonly $ref: string;
}

export interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly unknown[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: { readonly "application/json": { readonly schema: JsonSchema } };
  };
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>;
}

/** The parts of an OpenAPI document that Tidegate's has. */
export interface OpenApiDocument {
  readonly info: { readonly title: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
  };
}

/** One operation of a document, with all references resolved. */
export interface Operation extends Omit<OperationObject, "responses"> {
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly body: JsonSchema | undefined;
  readonly responses: ReadonlyMap<number, ResponseObject>;
}

/** The answer of a handler. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An OpenAPI document, to check answers and values against. */
export class OpenApi {
  readonly document: OpenApiDocument;
  readonly operations: readonly Operation[];
  readonly #ajv = new Ajv2020({ allowUnionTypes: true, strictTypes: false });
  readonly #validators = new Map<JsonSchema, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.document = document;
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        ...operation,
        method: method.toUpperCase(),
        path,
        body: operation.requestBody?.content["application/json"].schema,
        responses: new Map(
          Object.entries(operation.responses).map(([status, response]) => [Number(status), this.#resolve(response)]),
        ),
      })),
    );
    addFormats.default(this.#ajv);
    for (const [name, schema] of Object.entries(document.components.schemas))
      this.#ajv.addSchema(closed(schema) as JsonSchema, name);
  }

  /** Says what is wrong with a value; undefined if it fits the schema. */
  misfit(schema: JsonSchema, value: unknown): string | undefined {
    const validate = this.#validators.get(schema) ?? this.#ajv.compile(closed(schema) as JsonSchema);
    this.#validators.set(schema, validate);
    return validate(value) ? undefined : this.#ajv.errorsText(validate.errors);
  }

  /** Says how an answer differs from the document; undefined if it does not. */
  breach({ operationId, responses }: Operation, { status, headers, text }: Answered): string | undefined {
    const response = responses.get(status);
    if (!response) return `${operationId} answered ${status}, of which nothing is said: ${shown(text)}`;
    const missing = Object.keys(response.headers ?? {}).find((name) => !headers.has(name));
    if (missing) return `${operationId} answered ${status} without ${missing}.`;
    const [contentType, content] = Object.entries(response.content ?? {})[0] ?? [null];
    if (headers.get("content-type") !== contentType)
      return `${operationId} answered ${status} as ${headers.get("content-type")}.`;
    const value = contentType?.includes("json") ? JSON.parse(text) : text;
    const misfit = content ? this.misfit(content.schema, value) : text && "a body that should not be";
    return misfit ? `${operationId} answered ${status} with ${misfit}: ${shown(text)}` : undefined;
  }

  #resolve(response: ResponseObject | Reference): ResponseObject {
    if (!("$ref" in response)) return response;
    const found = this.document.components.responses[response.$ref.replace("#/components/responses/", "")];
    if (!found) throw new Error(`The document has no ${response.$ref}.`);
    return found;
  }
}

/**
 * The same schema for a strict reader, who accepts no undocumented field. Callers should not be strict: more fields may
 * come. Schemas are referenced by name only.
 */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const { $ref, ...rest } = schema as { readonly $ref?: string };
  const inner = Object.fromEntries(Object.entries(rest).map(([keyword, value]) => [keyword, closed(value)]));
  if ($ref) return { ...inner, $ref: $ref.replace("#/components/schemas/", "") };
  return inner["type"] === "object" && inner["properties"] ? { additionalProperties: false, ...inner } : inner;
}
