import { type BuildOptions, build } from "esbuild";

/** One script for a browser, with React as it is in development. */
export async function bundleForBrowser(entry: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    ...entry,
    define: { "process.env.NODE_ENV": '"development"' },
    bundle: true,
    format: "esm",
    write: false,
  });
  return outputFiles?.[0]?.text ?? "";
}
