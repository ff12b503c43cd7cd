import type { ErrorCode } from "../../core/shared/errors.ts";
import { duration, type JsonSchema, type ObjectSchema, type Schema, span, time } from "../../core/shared/schema.ts";
import { scopesOf } from "../auth.ts";
import type { Route } from "../routes/route.ts";
import { problemKinds } from "./problems.ts";
import { backoff, flowControl, flowLimits, newJob, noQuery, pathParts, recurringJob } from "./requests.ts";
import type { ResponseBody } from "./shape.ts";
import { all } from "./shapes.generated.ts";

/** The document describes each of these schemas once, and refers to it elsewhere by its name with a capital. */
const shared = { ...all, newJob, recurringJob, backoff, flowControl, flowLimits, duration, span, time };
const named = Object.fromEntries(Object.entries(shared).map(([name, { json }]) => [capitalized(name), json]));
const names = new Map<unknown, string>(Object.entries(named).map(([name, json]) => [json, name]));

const description =
  "Send `Authorization: Bearer TOKEN`, with a token that has one of the scopes named. Errors are `application/problem+json` " +
  "with a stable `code`; a request refused with a status from 400 to 499 has changed nothing.";

/** @param isNamed whether it describes one queue, below whose path it is served. Its paths are relative to that. */
export function openApiOf(routes: readonly Route[], isNamed: boolean): string {
  const document = {
    openapi: "3.1.1",
    info: { title: "Tidegate", version: "1", description, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "." }],
    paths: { ...pathsOf(routes, "", isNamed), ...(!isNamed && pathsOf(routes, "/queues/:queue", true)) },
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      responses: mapValues(problemKinds, ({ title, headers }, code) => ({
        description: title,
        ...(headers && { headers: mapValues(headers, () => ({ schema: { type: "string" } })) }),
        content: {
          "application/problem+json": {
            schema: { allOf: [all.problem.json, { properties: { code: { const: code } } }] },
          },
        },
      })),
      // A copy, because the replacer below makes a reference of the schema itself.
      schemas: mapValues(named, (json) => ({ ...json })),
    },
  };
  return JSON.stringify(document, (_, value) => (names.has(value) ? reference("schemas", names.get(value)) : value));
}

function pathsOf(routes: readonly Route[], prefix: string, isNamed: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = (prefix + route.path).replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, prefix, isNamed) };
  }
  return paths;
}

function operationOf(route: Route, prefix: string, isNamed: boolean): object {
  const { path, operation, notes, query = noQuery, body, responses, key } = route;
  // The names of queues are not public.
  const needsToken = route.scope !== "anyone" || isNamed;
  return {
    operationId: prefix ? `${operation}InQueue` : operation,
    tags: [
      /^\/(jobs|dead-letter|schedules|flow-control|signals)/.exec(path)?.[1] ??
        (path.startsWith("/failures") ? "dead-letter" : "queue"),
    ],
    summary: inWords(operation),
    description: `${notes ? `${notes} ` : ""}${needsToken ? `Scope: ${scopesOf(route).join(" or ")}` : "Needs no token"}.`,
    security: needsToken ? [{ bearer: [] }] : [],
    parameters: [...pathParameters(prefix + path, key), ...queryParameters(query)],
    ...(body && { requestBody: requestBody(body.json) }),
    responses: {
      ...mapValues(responses, responseOf),
      ...Object.fromEntries(
        refusalsOf(route, prefix, needsToken).map((code) => [problemKinds[code].status, reference("responses", code)]),
      ),
    },
  };
}

/** "getJob" becomes "Get job". */
function inWords(operation: string): string {
  return capitalized(operation.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function pathParameters(path: string, key: Schema = pathParts.key): object[] {
  return Object.entries({ ...pathParts, key })
    .filter(([name]) => path.includes(`:${name}`))
    .map(([name, { json }]) => ({ name, in: "path", required: true, schema: json }));
}

function queryParameters({ fields, json }: ObjectSchema<unknown>): object[] {
  const required = json["required"] as readonly string[] | undefined;
  return Object.entries(fields).map(([name, field]) => ({
    name,
    in: "query",
    ...(required?.includes(name) && { required: true }),
    schema: field.json,
  }));
}

/** A missing body counts as an empty object. */
function requestBody(json: JsonSchema): object {
  const required = ["anyOf", "required", "minProperties"].some((keyword) => keyword in json);
  return { required, content: { "application/json": { schema: json } } };
}

function responseOf({ json, contentType = "application/json" }: ResponseBody): object {
  return {
    description: json?.["description"] ?? "Success.",
    ...(json && { content: { [contentType]: { schema: json } } }),
  };
}

function refusalsOf({ method, scope, refusals = [], storeless }: Route, prefix: string, needsToken: boolean) {
  const codes: readonly (ErrorCode | false)[] = [
    "invalid_request",
    needsToken && "unauthorized",
    scope !== "anyone" && "forbidden",
    prefix !== "" && "not_found",
    ...refusals,
    method !== "GET" && "payload_too_large",
    !storeless && "store_unavailable",
  ];
  return codes.filter((code) => code !== false);
}

function reference(kind: string, name: string | undefined): object {
  return { $ref: `#/components/${kind}/${name}` };
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value, name: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
