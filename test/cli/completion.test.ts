import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { documentOf, tidegate } from "./run-cli.ts";

/** What bash offers for each line, as it has been typed so far. */
async function offered(lines: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { stdout } = await tidegate(["completion", "bash"]);
  const complete = `${stdout}
while IFS= read -r line; do
  COMP_LINE="$line" COMP_POINT=\${#line} COMPREPLY=()
  _tidegate
  echo "\${COMPREPLY[*]}"
done`;
  const options = { input: lines.join("\n").concat("\n"), encoding: "utf8" } as const;
  const text = execFileSync("bash", ["--norc", "-uc", complete], options);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" ").filter(Boolean));
}

/** The words that a help lists in a section: commands, or options. */
async function listed(argv: readonly string[], pattern: RegExp): Promise<readonly string[]> {
  const { stdout } = await tidegate([...argv, "--help"], { columns: 200 });
  return [...stdout.matchAll(pattern)].map(([, word = ""]) => word);
}

describe("completion bash", () => {
  test("offers every command of the help, and each option of each command", async () => {
    const commands = (await listed([], /^ {2}([a-z]+(?::[a-z]+)?) .*$/gm)).filter((name) => name !== "help");
    expect(commands.length).toBeGreaterThan(15);
    const [first = [], ...others] = await offered(["tidegate ", ...commands.map((name) => `tidegate ${name} --`)]);
    expect(first.filter((word) => !word.startsWith("-"))).toEqual(commands);
    for (const [index, name] of commands.entries()) {
      const options = await listed([name], /^ {2}(?:-\w, )?(--[a-z-]+)/gm);
      expect(others[index], name).toEqual(expect.arrayContaining([...options]));
    }
  });

  test("goes on after a colon, in a group, after global options, and with the values of an option", async () => {
    const lines = [
      "tidegate queue:j",
      "tidegate queue:dlq re",
      "tidegate --queue mail queue:dlq retry --gr",
      "tidegate queue:jobs --state ",
      "tidegate queue:jobs --state com",
      "tidegate queue:jobs --module ",
      "tidegate completion ",
      "tidegate nonsense --al",
    ];
    const [colon, group, option, states, state, file, shell, unknown] = await offered(lines);
    expect([colon, group, option, state, file, unknown]).toEqual([
      ["jobs"],
      ["retry", "remove"],
      ["--group"],
      ["completed"],
      [],
      [],
    ]);
    expect(states).toEqual(["scheduled", "ready", "running", "completed", "dead"]);
    expect(shell?.slice(0, 3)).toEqual(["bash", "zsh", "fish"]);
  });
});

test.each(["zsh", "fish"])("completion %s names every command", async (shell) => {
  const { stdout } = await tidegate(["completion", shell]);
  for (const name of await listed([], /^ {2}([a-z]+(?::[a-z]+)?) .*$/gm))
    if (name !== "help") expect(stdout).toContain(name);
});

test("completion prints one document for a program, and refuses other shells", async () => {
  expect(documentOf(await tidegate(["completion", "bash", "--json"]))).toMatchObject({ shell: "bash" });
  const { code, stderr } = await tidegate(["completion", "tcsh"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("bash, zsh, fish")]);
});
