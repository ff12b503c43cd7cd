import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quickstart } from "../../scripts/docs/quickstart.ts";
import { transcribe } from "../../scripts/docs/transcript.ts";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { builtPackage } from "../package/built.ts";

test.runIf(isForAll)(
  "somebody who follows the quickstart sees the output it shows",
  async () => {
    expect(await quickstart({ check: true, built: await builtPackage() })).toEqual([]);
  },
  180_000,
);

describe("a page whose commands are run", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidegate-transcript-"));
  });

  afterAll(() => rm(folder, { recursive: true }));

  const follow = (page: string) =>
    transcribe(page, {
      folder,
      typed: (code) => code.replace("hello", "good morning"),
      shown: (output) => output.replace("moon", "sun"),
      constant: (output) => output.replace(/\d+/g, "N"),
      env: process.env,
    });
  const step = (code: string, output: string) => `So:\n\n\`\`\`sh\n${code}\n\`\`\`\n\n\`\`\`text\n${output}\n\`\`\`\n`;

  test("gets the printed output, including errors", async () => {
    expect(await follow(step("echo hello; echo moon >&2", "?"))).toBe(
      step("echo hello; echo moon >&2", "good morning\nsun"),
    );
  });

  test("keeps its output if only the parts differ that differ each time", async () => {
    const page = step("echo 17", "23");
    expect(await follow(page)).toBe(page);
  });

  test("writes the files that it shows, and keeps the variables that commands set", async () => {
    const page = `Now \`a/b\`:\n\n\`a/b\`:\n\n\`\`\`txt\nday\n\`\`\`\n${step("cd a && WORD=$(cat b)", "")}`;
    expect(await follow(page + step("pwd; echo $WORD", "?"))).toBe(page + step("pwd; echo $WORD", `${folder}/a\nday`));
  });

  test("is refused if a command fails, with its output", async () => {
    await expect(follow(step("echo reason; false; echo never", "?"))).rejects.toThrow(
      /^This failed:\necho reason.*\n\nreason\n$/,
    );
  });
});
