// npm run check: what must hold beside the tests. All steps run at once, and each prints when it has ended.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import manifest from "../package.json" with { type: "json" };

const steps = Object.keys(manifest.scripts).filter((name) => name.startsWith("check:"));

/** @returns 1 if a step fails. */
export async function main(): Promise<number> {
  const passed = await Promise.all(steps.map(pass));
  return passed.every(Boolean) ? 0 : 1;
}

async function pass(step: string): Promise<boolean> {
  const child = spawn("npm", ["run", step], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, error, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  process.stdout.write(out);
  process.stderr.write(error);
  return code === 0;
}
