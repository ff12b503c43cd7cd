import { gzipSync } from "node:zlib";
import { type BuildOptions, build } from "esbuild";

/**
 * Bundles as a deployment does. Returns the text, its bytes, gzipped, the files read, and those of which something is
 * left.
 */
export async function bundle(options: BuildOptions) {
  const { outputFiles, metafile } = await build({
    ...options,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const [output] = Object.values(metafile.outputs);
  const used = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    text: outputFiles[0]?.text ?? "",
    gzipped: gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length,
    read: Object.keys(metafile.inputs).map(nameOf),
    used: used.map(([file]) => nameOf(file)),
  };
}

/** A file of a package by the name of the package. */
function nameOf(file: string): string {
  return file.replace(/^.*node_modules\//, "");
}
