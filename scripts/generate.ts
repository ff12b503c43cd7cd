// npm run generate: writes the generated sources. With --check it writes nothing, and fails if they differ.
import { parseArgs } from "node:util";
import { dashboard } from "./generate/dashboard.ts";
import { lua } from "./generate/lua.ts";
import { shapes } from "./generate/shapes.ts";
import { replaceFile } from "./shared/files.ts";

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { check: { type: "boolean" } } });
  const { check = false } = values;
  const outdated: string[] = [];
  for (const { file, content, origin } of [lua(), await dashboard(), shapes()]) {
    const [replaced] = await replaceFile(file, content, { check });
    if (check && replaced) outdated.push(`${file} differs from ${origin}. Run: npm run generate`);
  }
  if (outdated.length > 0) throw new Error(outdated.join("\n"));
}
