// Which imports a piece of TypeScript needs.

/** A line is at most this long, as the formatter writes it. */
const WIDTH = 120;
const statement = /^import (type )?(?:(\w+)(?:, )?)?(?:\* as (\w+)|\{([^}]*)\})? ?(?:from )?"([^"]+)";\n/gm;

export interface Import {
  readonly from: string;
  /** As it is written: `type Store`, `* as z`, `hash as h`. */
  readonly written: string;
  /** The name that the code uses. */
  readonly name: string;
  /** Whether it stands in braces. */
  readonly isNamed: boolean;
}

/** What the code imports, name by name. */
export function importsOf(code: string): readonly Import[] {
  return [...code.matchAll(statement)].flatMap(([, type = "", own, all, named = "", from = ""]) => [
    ...(own ? [{ from, written: own, name: own, isNamed: false }] : []),
    ...(all ? [{ from, written: `* as ${all}`, name: all, isNamed: false }] : []),
    ...named
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "")
      .map((each) => ({ from, written: type + each, name: each.split(" ").at(-1) ?? each, isNamed: true })),
  ]);
}

/** Whether the code uses a name: not as the name of a field, nor in a comment or a text. */
export function uses(code: string, name: string): boolean {
  const plain = code.replace(/\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"/g, '""');
  return new RegExp(`(?<![\\w$]|(?<!\\.\\.)\\.)${name}(?![\\w$]|\\??: )`).test(plain);
}

/** The imports of packages that a part of a file needs. @param shown what has its imports already, besides the part. */
export function importsFor(code: string, file: string, shown = ""): string {
  const own = new Set(importsOf(shown + code).map(({ name }) => name));
  const needed = importsOf(file).filter(({ from, name }) => !/^[.#$]/.test(from) && !own.has(name) && uses(code, name));
  const packages = new Set(needed.map(({ from }) => from));
  return [...packages].map((from) => statementOf(needed.filter((each) => each.from === from))).join("");
}

/** The imports of one package. */
function statementOf(needed: readonly Import[]): string {
  const { from } = needed[0] as Import;
  const whole = needed.filter(({ isNamed }) => !isNamed).map(({ written }) => `import ${written} from "${from}";\n`);
  const named = needed.filter(({ isNamed }) => isNamed).map(({ written }) => written);
  if (named.length === 0) return whole.join("");
  const areTypes = named.every((each) => each.startsWith("type "));
  const start = areTypes ? "import type" : "import";
  const names = areTypes ? named.map((each) => each.replace("type ", "")) : named;
  const line = `${start} { ${names.join(", ")} } from "${from}";\n`;
  const lines = `${start} {\n${names.map((each) => `  ${each},\n`).join("")}} from "${from}";\n`;
  return whole.join("") + (line.length > WIDTH ? lines : line);
}
