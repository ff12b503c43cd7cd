// Keeps the code in Markdown equal to the files that tests run: a fenced block below `<!-- from: FILE#REGION -->`
// contains the code between the comments `#region REGION` and `#endregion` of that file, below the imports of packages
// that it uses; without a region, the whole file.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownFiles, type Writing } from "../shared/files.ts";
import { importsFor } from "./imports.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const sourceComment = /^<!-- from: .*$/gm;
const sourcedBlock = /^(<!-- from: (\S+?)(?:#([\w-]+))? -->\n(`{3,})[^\n]*\n)([\s\S]*?)^\4$/gm;

/**
 * Inserts the code into README.md and everything in docs/.
 *
 * @returns the Markdown files that were rewritten, or would be.
 * @throws {Error} if a file or region is missing, or a comment has no block after it; the message names them.
 */
export async function snippets({ check, root = repository }: Writing): Promise<string[]> {
  const differing: string[] = [];
  for (const page of markdownFiles(root)) {
    const before = await readFile(join(root, page), "utf8");
    const after = await filled(before, page, root);
    if (after === before) continue;
    differing.push(page);
    if (!check) await writeFile(join(root, page), after);
  }
  return differing;
}

async function filled(markdown: string, page: string, root: string): Promise<string> {
  const blocks = [...markdown.matchAll(sourcedBlock)];
  const comments = [...markdown.matchAll(sourceComment)];
  const stray = comments.find(({ index }) => !blocks.some((block) => block.index === index));
  if (stray) throw new Error(`${page}: "${stray[0]}" does not stand right before a fenced block.`);
  const read = ([, , file = "", region]: RegExpExecArray) => readCode(root, file, region, page);
  const codes = withImports(await Promise.all(blocks.map(read)));
  return markdown.replace(sourcedBlock, (_, head, _file, _region, fence) => `${head}${codes.shift()}${fence}`);
}

interface Part {
  readonly file: string;
  /** All of the file. */
  readonly text: string;
  readonly code: string;
}

/** Puts above each part of a page the imports that it needs, unless an earlier part of the same file has shown them. */
function withImports(parts: readonly Part[]): string[] {
  const shown = new Map<string, string>();
  return parts.map(({ file, text, code }) => {
    if (!/\.tsx?$/.test(file)) return code;
    const imports = importsFor(code, text, shown.get(file));
    shown.set(file, `${shown.get(file) ?? ""}${imports}${code}`);
    return imports === "" || code.startsWith("import ") ? `${imports}${code}` : `${imports}\n${code}`;
  });
}

async function readCode(root: string, file: string, region: string | undefined, page: string): Promise<Part> {
  const text = await readFile(join(root, file), "utf8").catch(() => {
    throw new Error(`${page} takes code from ${file}, which does not exist.`);
  });
  const code = region === undefined ? codeIn(text.trimEnd().split("\n")) : regionOf(text, region);
  if (code === undefined)
    throw new Error(`${page} takes code from the region "${region}" of ${file}, which does not exist.`);
  return { file, text, code };
}

/** The code of a region of a file; undefined if there is no such region. */
export function regionOf(text: string, region: string): string | undefined {
  const lines = linesOfRegion(text.split("\n"), region);
  return lines && codeIn(lines);
}

function codeIn(lines: readonly string[]): string {
  return dedented(lines.filter((line) => !marker(line)));
}

/** A line that begins or ends a region, in the comments of any language. */
function marker(line: string) {
  const [, mark, name] = /^\s*(?:\/\/|#) #(region|endregion)\b *(\S*)/.exec(line) ?? [];
  return mark ? { begins: mark === "region", name } : undefined;
}

/** The lines of a region, up to its own end; undefined if it does not begin, or does not end. */
function linesOfRegion(lines: readonly string[], region: string): readonly string[] | undefined {
  const first = lines.findIndex((line) => {
    const mark = marker(line);
    return mark?.begins && mark.name === region;
  });
  let depth = 0;
  for (let index = first; first >= 0 && index < lines.length; index++) {
    const mark = marker(lines[index] ?? "");
    if (mark) depth += mark.begins ? 1 : -1;
    if (depth === 0) return lines.slice(first + 1, index);
  }
  return undefined;
}

function dedented(lines: readonly string[]): string {
  const widths = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const width = widths.length > 0 ? Math.min(...widths) : 0;
  const text = lines.map((line) => line.slice(width)).join("\n");
  return `${text.replace(/^\n+|\n+$/g, "")}\n`;
}
