import { Validator } from "@seriousme/openapi-schema-validator";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import metadata from "../../package.json" with { type: "json" };
import type { JobInfo } from "../../src/core/manage/job-info.ts";
import type { JsonSchema } from "../../src/core/shared/schema.ts";
import type { Shape } from "../../src/http/contract/shape.ts";
import { schedule } from "../../src/http/contract/shapes.generated.ts";
import { routes } from "../../src/http/routes/index.ts";
import { reply, route } from "../../src/http/routes/route.ts";
import { OpenApi, type OpenApiDocument } from "../api-examples/openapi.ts";
import { setUp } from "./memory-handler.ts";

const { call } = setUp();
const read = async (path: string) => (await call("GET", path)).body as unknown as OpenApiDocument;
const document = await read("/openapi.json");
const api = new OpenApi(document);

describe("the document", () => {
  const refused = async (text: string) => (await new Validator().validate(JSON.parse(text))).errors;

  test("is valid OpenAPI 3.1, with every reference resolved", async () => {
    expect(await refused(JSON.stringify(document))).toBeUndefined();
    const referred = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)];
    const components = document.components as unknown as Record<string, Record<string, unknown>>;
    expect(referred.filter(([, kind = "", name = ""]) => !components[kind]?.[name])).toEqual([]);
    expect(referred.length).toBeGreaterThan(100);
  });

  test("names the license of the package", () => {
    expect(document.info).toMatchObject({ license: { name: metadata.license, identifier: metadata.license } });
  });

  test("with a mistake is found invalid", async () => {
    expect(await refused(JSON.stringify(document).replace('"in":"path"', '"in":"paths"'))).toBeDefined();
  });

  test("lists every route, at the root and of each queue, with a unique name and its answers", () => {
    const lines = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const described = api.operations.map(({ method, path }) => `${method} ${path}`);
    expect(described.sort()).toEqual([...lines, ...lines.map((line) => line.replace(" ", " /queues/{queue}"))].sort());
    expect(new Set(api.operations.map(({ operationId }) => operationId)).size).toBe(described.length);
    for (const { operationId, summary, tags, responses, description } of api.operations) {
      expect(operationId).toMatch(/^[a-z]+[A-Za-z]*$/);
      expect(summary, operationId).toMatch(/^[A-Z][a-z ]+$/);
      expect(description, operationId).toMatch(/\.$/);
      expect(tags, operationId).toHaveLength(1);
      expect([...responses.keys()].some((status) => status < 300)).toBe(true);
      for (const response of responses.values()) expect(response.description, operationId).not.toBe("");
    }
  });

  test("has examples that fit their schemas", () => {
    const withExamples = schemasIn(document).filter(({ examples }) => Array.isArray(examples));
    for (const schema of withExamples)
      for (const example of schema["examples"] as unknown[]) expect(api.misfit(schema, example)).toBeUndefined();
    expect(withExamples.length).toBeGreaterThan(10);
  });

  test("of one queue covers that queue alone", async () => {
    const { paths } = await read("/queues/default/openapi.json");
    expect(Object.keys(paths)).toEqual(Object.keys(document.paths).filter((path) => !path.startsWith("/queues/")));
  });
});

/** All schemas in a part of a document: everything that looks like one. */
function schemasIn(part: unknown): JsonSchema[] {
  if (typeof part !== "object" || part === null) return [];
  const own = "type" in part || "anyOf" in part ? [part as JsonSchema] : [];
  return [...own, ...Object.values(part).flatMap(schemasIn)];
}

describe("addresses are relative to that of the document,", () => {
  test.each(["/", "/queue", "/some/where/else"])("with a handler that is mounted at %s", async (mount) => {
    const app = new Hono().route(mount, setUp().app);
    for (const place of ["", "/queues/default"]) {
      const address = `https://example.com${mount === "/" ? "" : mount}${place}/openapi.json`;
      const { servers } = (await (await app.request(address)).json()) as OpenApiDocument;
      // As the specification says: the server's address is resolved against the document's, and the path is appended.
      const server = new URL(servers[0]?.url ?? "", address).href.replace(/\/$/, "");
      const stats = await app.request(`${server}/stats`);
      expect(stats.status, address).toBe(200);
    }
  });
});

describe("does not compile", () => {
  test("a route that does not say what it answers", () => {
    // @ts-expect-error: returns is missing.
    expect(route("GET /new", "getNew", "anyone", { run: async () => reply({}) })).toBeDefined();
  });

  test("a shape whose type differs from the answer's", () => {
    // @ts-expect-error: this is the shape of a schedule.
    const wrong: Shape<JobInfo> = schedule;
    expect(wrong).toBeDefined();
  });
});
