import { readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** A line of the tree in docs/internals/architecture.md. */
export interface Entry {
  /** From `src/` on, without a slash at the end. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly says: string;
}

/** Reads the tree: each level is two spaces further in. */
export function readLayout(page: string): readonly Entry[] {
  const [, tree = ""] = /\n```\nsrc\/\n([\s\S]*?)```/.exec(page) ?? [];
  const above: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, indent = "", name = "", slash = "", says = ""] = /^( +)([\w.-]+)(\/?)(?: +(\S.*))?$/.exec(line) ?? [];
    if (name === "") return [];
    above.splice(indent.length / 2 - 1);
    above.push(name);
    return { path: above.join("/"), isFolder: slash !== "", says };
  });
}

export const layout = readLayout(readFileSync(join(root, "docs/internals/architecture.md"), "utf8"));

/** The folders of a folder, in the order of the page. */
export const roomsOf = (folder: string): readonly string[] =>
  layout.flatMap(({ path, isFolder }) =>
    isFolder && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : [],
  );
