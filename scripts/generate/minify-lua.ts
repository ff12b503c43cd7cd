// Minifies Lua without changing what it does: every Worker carries the scripts.

/** Comments, texts, numbers, names and operators. Long brackets are not among them. */
const TOKEN =
  /--.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|\.{1,3}|[=~<>]=|\S/g;
const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));
const KEYWORDS = words(
  "and break do else elseif end false for function if in local nil not or repeat return then true until while",
);
const OPENERS = words("function if do repeat {");
const CLOSERS = words("end until }");
/** What Redis declares. A name of ours that hides one of these stays as it is. */
const GIVEN = words(
  "ARGV KEYS error ipairs math next pairs pcall redis select string table tonumber tostring type unpack",
);

interface Token {
  readonly text: string;
  /** Whether it names a variable, and not a field. */
  readonly isVariable: boolean;
  readonly isDeclared: boolean;
}

/**
 * Returns a function that minifies sources, which may be put together to one script. A name has the same short form
 * wherever it stands, and no other name has it. So each use still means the declaration that it meant.
 *
 * @throws {Error} if a source uses a name that none declares, or has long brackets.
 */
export function luaMinifier(sources: readonly string[]): (source: string) => string {
  const variables = sources.flatMap(tokensOf).filter(({ isVariable }) => isVariable);
  const declared = new Set(variables.filter(({ isDeclared }) => isDeclared).map(({ text }) => text));
  const uses = new Map<string, number>();
  for (const { text } of variables) if (!GIVEN.has(text)) uses.set(text, (uses.get(text) ?? 0) + 1);
  const unknown = [...uses.keys()].filter((name) => !declared.has(name));
  if (unknown.length > 0) throw new Error(`No Lua script declares ${unknown.join(", ")}.`);
  const mostUsed = [...uses].sort(([a, often], [b, oftener]) => oftener - often || (a < b ? -1 : 1));
  const names = shortNames();
  const short = new Map(mostUsed.map(([name]) => [name, names.next().value]));
  return (source) => joined(tokensOf(source).map(({ text, isVariable }) => (isVariable && short.get(text)) || text));
}

/** @returns all tokens but comments. */
function tokensOf(source: string): readonly Token[] {
  const texts = (source.match(TOKEN) ?? []).filter((text) => !/^--(?!\[)/.test(text));
  const open: string[] = [];
  return texts.map((text, at) => {
    const [before = "", after = ""] = [texts[at - 1], texts[at + 1]];
    if (text.startsWith("--") || (text === "[" && /^[[=]/.test(after)))
      throw new Error("Lua with long brackets cannot be minified.");
    if (CLOSERS.has(text)) open.pop();
    if (OPENERS.has(text)) open.push(text);
    const isKey = after === "=" && open.at(-1) === "{" && /^[{,;]$/.test(before);
    const isField = isKey || before === "." || before === ":";
    const isVariable = /^[A-Za-z_]/.test(text) && !KEYWORDS.has(text) && !isField;
    return { text, isVariable, isDeclared: isVariable && isDeclaration(texts, at) };
  });
}

/** Whether a variable is declared where it stands: after `local` or `for`, or as a parameter. */
function isDeclaration(texts: readonly string[], at: number): boolean {
  let first = at;
  while (texts[first - 1] === ",") first -= 2;
  const [before, second, third] = [texts[first - 1], texts[first - 2], texts[first - 3]];
  if (before === "(") return second === "function" || third === "function";
  return before === "local" || before === "for" || (before === "function" && second === "local");
}

/** Puts a space only where two tokens would become one. */
function joined(tokens: readonly string[]): string {
  return tokens.reduce((text, token) => {
    const wouldMerge = (/\w$/.test(text) && /^\w/.test(token)) || (/[\d.]$/.test(text) && token.startsWith("."));
    return text + (wouldMerge ? " " : "") + token;
  }, "");
}

/** a, b, ... Z, aa, ab, ... */
function* shortNames(): Generator<string, never> {
  const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  for (let names = letters; ; names = names.flatMap((name) => letters.map((letter) => name + letter)))
    yield* names.filter((name) => !KEYWORDS.has(name));
}
