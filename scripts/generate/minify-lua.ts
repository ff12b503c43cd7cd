// Minifies Lua without changing what it does: every Worker carries the scripts.

/** Comments, texts, numbers, names and operators. Long brackets are not among them. */
const TOKEN =
  /--.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|\.{1,3}|[=~<>]=|\S/g;
/** A line that declares a constant, in capitals. */
const CONSTANT = /^local ([A-Z][A-Z0-9_]*) = ('[^'\\\n]*'|\d+)$/gm;
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
  /** The outermost function around it, by its place; undefined outside of all. */
  readonly within: number | undefined;
  /** Whether it names a variable, and not a field. */
  readonly isVariable: boolean;
  readonly isDeclared: boolean;
}

/**
 * Returns a function that minifies the texts of one source. Sources are put together to scripts: `known` are the short
 * forms of the names that earlier ones have outside of functions, and gets those of this one. So an edit of a script
 * changes no other one. Constants stand where they are used: a script makes all its functions anew in each call, and
 * each name that a function takes from outside costs time.
 *
 * @throws {Error} if a source uses a name that none declares, declares two constants of one name, or has long brackets.
 */
export function luaMinifier(given: readonly string[]) {
  const constants = constantsOf(given);
  const read = (source: string) => tokensOf(source.replace(CONSTANT, ""));
  const isName = ({ text, isVariable }: Token) => isVariable && !GIVEN.has(text) && !constants.has(text);
  const declared = new Set<string>();
  for (const { text, isDeclared } of given.flatMap(read)) {
    if (isDeclared && constants.has(text)) throw new Error(`${text} is a constant in one Lua script alone.`);
    if (isDeclared) declared.add(text);
  }
  const unknown = given.flatMap(read).filter((token) => isName(token) && !declared.has(token.text));
  if (unknown.length > 0) throw new Error(`No Lua script declares ${unknown.map(({ text }) => text).join(", ")}.`);

  return (texts: readonly string[], known: Map<string, string>): readonly string[] => {
    const pieces = texts.map(read);
    const outer = new Set<string>();
    /** The names of each function, and those outside of functions. */
    const together = new Map<string, Set<string>>();
    for (const [piece, tokens] of pieces.entries()) {
      for (const { text, within, isDeclared } of tokens.filter(isName)) {
        const place = within === undefined ? "outside" : `${piece} ${within}`;
        const names = together.get(place) ?? new Set();
        if (within === undefined || !(isDeclared || names.has(text))) outer.add(text);
        together.set(place, names.add(text));
      }
    }
    const short = new Map(known);
    for (const name of new Set([...together.values()].flatMap((names) => [...names]))) {
      if (known.has(name)) continue;
      const others = [...together.values()].filter((names) => names.has(name)).flatMap((names) => [...names]);
      const taken = new Set(others.map((other) => short.get(other)));
      if (outer.has(name)) for (const other of known.values()) taken.add(other);
      const form = shortName(taken);
      short.set(name, form);
      if (outer.has(name)) known.set(name, form);
    }
    const shortOf = (token: Token) => (isName(token) ? short : constants).get(token.text) ?? token.text;
    return pieces.map((tokens) => joined(tokens.map((token) => (token.isVariable ? shortOf(token) : token.text))));
  };
}

function constantsOf(sources: readonly string[]): ReadonlyMap<string, string> {
  const constants = new Map<string, string>();
  for (const [, name = "", value = ""] of sources.flatMap((source) => [...source.matchAll(CONSTANT)])) {
    if ((constants.get(name) ?? value) !== value)
      throw new Error(`Two constants of the Lua scripts are called ${name}.`);
    constants.set(name, value);
  }
  return constants;
}

/** @returns all tokens but comments. */
function tokensOf(source: string): readonly Token[] {
  const texts = (source.match(TOKEN) ?? []).filter((text) => !/^--(?!\[)/.test(text));
  const open: string[] = [];
  let within: number | undefined;
  return texts.map((text, at) => {
    const [before = "", after = ""] = [texts[at - 1], texts[at + 1]];
    if (text.startsWith("--") || (text === "[" && /^[[=]/.test(after)))
      throw new Error("Lua with long brackets cannot be minified.");
    if (CLOSERS.has(text)) open.pop();
    if (OPENERS.has(text)) open.push(text);
    if (!open.includes("function")) within = undefined;
    else if (text === "(") within ??= at;
    const isKey = after === "=" && open.at(-1) === "{" && /^[{,;]$/.test(before);
    const isField = isKey || before === "." || before === ":";
    const isVariable = /^[A-Za-z_]/.test(text) && !KEYWORDS.has(text) && !isField;
    return { text, within, isVariable, isDeclared: isVariable && isDeclaration(texts, at) };
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

/** Two tokens that would become one, or a comment, without a space between them. */
const NEED_SPACE = /^(?:\w \w|[\d.] \.|- -)$/;

function joined(tokens: readonly string[]): string {
  return tokens.reduce((text, token) => text + (NEED_SPACE.test(`${text.at(-1)} ${token[0]}`) ? " " : "") + token, "");
}

/** @returns the first of a, b, ... Z, aa, ab, ... that is free. */
function shortName(taken: ReadonlySet<string | undefined>): string {
  const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  for (let names = letters; ; names = names.flatMap((name) => letters.map((letter) => name + letter))) {
    const free = names.find((name) => !KEYWORDS.has(name) && !taken.has(name));
    if (free) return free;
  }
}
