// node scripts/run.mjs NAME [arguments]: calls `main` of scripts/NAME.ts. Node 20 cannot run TypeScript by itself.
import { createJiti } from "jiti";

const [name, ...args] = process.argv.slice(2);

/** Returns the exit code. */
async function run() {
  try {
    const { main } = await createJiti(import.meta.url).import(`./${name}.ts`);
    return (await main(args)) ?? 0;
  } catch (error) {
    console.error(error.message);
    return 1;
  }
}

// A handle that a script has left open must not keep the process alive.
process.exit(await run());
