// node scripts/run.mjs NAME [arguments]: calls `main` of scripts/NAME.ts. Node 20 cannot run TypeScript by itself.
const [name, ...args] = process.argv.slice(2);

/** The package that an import did not find; undefined for any other error. */
const missingPackage = ({ code, message }) =>
  /MODULE_NOT_FOUND$/.test(code)
    ? /^Cannot find (?:module|package) '((?:@[\w-]+\/)?\w[\w.-]*)[/']/.exec(message)?.[1]
    : undefined;

/** Returns the exit code. */
async function run() {
  try {
    const { createJiti } = await import("jiti");
    const { main } = await createJiti(import.meta.url).import(`./${name}.ts`);
    return (await main(args)) ?? 0;
  } catch (error) {
    const missing = missingPackage(error);
    console.error(missing ? `The package ${missing} is not installed. Run: npm ci` : error.message);
    return 1;
  }
}

// A handle that a script has left open must not keep the process alive.
process.exit(await run());
