// Makes src/http/contract/shapes.generated.ts from the types in results.ts beside it: the JSON schemas of responses.
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { GeneratedSource } from "./source.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const source = `${root}src/http/contract/results.ts`;

/** The fields whose comments the schemas have too: those that are not always there, or that a name does not explain. */
const described = new Set(
  [
    "jobPage.cursor deadJobPage.cursor failurePage.cursor changePage.cursor flowControlPage.cursor rekeyed.cursor",
    "cancelledJobs.cursor rescheduledJobs.cursor foundJobs.cursor foundJobs.examined foundJobs.isCut",
    "retried.cursor retried.before removed.cursor removed.before drainReport.attempts drainReport.attemptsLeftOut",
    "queueBrief.ended queueList.total upcoming.next upcoming.more upcoming.isCut histogram.bounds histogram.counts",
    "nameFigures.hour nameFigures.days nameFigures.pending pendingJobs.estimated queueHistory.hours",
    "results.duplicateOrMany",
  ].flatMap((names) => names.split(" ")),
);

/** The numbers that are not whole. */
const fractions = new Set(["queuePace.arrivals", "queuePace.departures"]);

export function shapes(): GeneratedSource {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, types: [] }, root);
  const program = ts.createProgram([source], options);
  const checker = program.getTypeChecker();
  const results = program.getSourceFile(source)?.statements.filter(ts.isInterfaceDeclaration).at(-1);
  if (results?.name.text !== "Results") throw new Error("results.ts must end with the interface Results.");

  /** The constants of types, and the names by which others refer to them. */
  const constants: string[] = [];
  const names = new Map<ts.Type, string>();
  const wanted = checker.getTypeAtLocation(results).getProperties();
  const typeOf = (symbol: ts.Symbol) => checker.getTypeOfSymbolAtLocation(symbol, results);
  const exported = new Map(wanted.map((symbol) => [typeOf(symbol), symbol.name]));

  function shapeOf(type: ts.Type): string {
    const parts = type.isUnion() ? type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined)) : [type];
    const others = parts.filter(({ flags }) => !(flags & ts.TypeFlags.Null));
    const isNullable = others.length < parts.length;
    const literals = others.flatMap((each) => (each.isStringLiteral() ? JSON.stringify(each.value) : [])).sort();
    if (literals.length > 0) return isNullable ? `shape({enum:[${literals},null]})` : `words(${literals})`;
    const all = [...new Set(others.map(plainShapeOf))];
    const [one = "anything"] = all;
    if (all.length > 1 && all.every((each) => each in primitives))
      return `shape({type:[${all.map((each) => primitives[each])}]})`;
    if (all.length > 1) return `either(${all})`;
    return isNullable ? `nullable(${one})` : one;
  }

  function plainShapeOf(type: ts.Type): string {
    if (type.flags & ts.TypeFlags.Unknown) return "anything";
    if (type.flags & ts.TypeFlags.String) return "text";
    if (type.flags & ts.TypeFlags.Number) return "count";
    if (type.flags & ts.TypeFlags.BooleanLike) return "flag";
    if (type.symbol?.name === "Date") return "time";
    const [item] = checker.isArrayType(type) ? checker.getTypeArguments(type as ts.TypeReference) : [];
    return item ? `list(${shapeOf(item)})` : recordOf(type);
  }

  function recordOf(type: ts.Type): string {
    const known = names.get(type);
    if (known) return known;
    const own = exported.get(type);
    const name = own ?? nameOf(type);
    const fields = type.getProperties().map((symbol) => {
      const isOptional = symbol.flags & ts.SymbolFlags.Optional;
      const path = `${name}.${symbol.name}`;
      const shape = withDoc(path, fractions.has(path) ? "amount" : shapeOf(typeOf(symbol)), symbol);
      return `${isOptional ? `"${symbol.name}?"` : symbol.name}:${shape}`;
    });
    const made = `record({${fields}})`;
    if (!name) return made;
    if (own) constants.push(`export const ${name}: Shape<Results["${name}"]> = ${made};`);
    else constants.push(`const ${name} = ${made};`);
    names.set(type, name);
    return name;
  }

  function nameOf({ symbol, aliasSymbol }: ts.Type): string {
    const name = (aliasSymbol ?? symbol)?.name ?? "";
    if (!/^[A-Z]/.test(name) || name === "Omit" || name === "Pick") return "";
    const camel = name.charAt(0).toLowerCase() + name.slice(1);
    return [...names.values(), ...exported.values()].includes(camel) ? `${camel}Of` : camel;
  }

  function withDoc(path: string, shape: string, symbol: ts.Symbol): string {
    if (!described.has(path)) return shape;
    const comment = ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\s+/g, " ");
    const [doc = ""] = comment.split(/(?<=\.) /);
    if (doc === "") throw new Error(`${path} has no comment.`);
    return `described(${shape},${JSON.stringify(doc)})`;
  }

  for (const symbol of wanted) {
    const type = typeOf(symbol);
    if (names.has(type)) continue;
    const shape = withDoc(`results.${symbol.name}`, shapeOf(type), symbol);
    if (!names.has(type)) constants.push(`export const ${symbol.name}: Shape<Results["${symbol.name}"]> = ${shape};`);
  }
  const content = `// Generated by \`npm run generate\` from the types in results.ts. Change those.
import type { Results } from "./results.ts";
import { amount, anything, count, described, either, flag, list, nullable, record, type Shape, shape, text, time, words } from "./shape.ts";

${constants.join("\n")}
export const all = {${wanted.map(({ name }) => name).sort()}};
`;
  return { file: "src/http/contract/shapes.generated.ts", content, origin: "results.ts" };
}

const primitives: Readonly<Record<string, string>> = { text: '"string"', count: '"number"', flag: '"boolean"' };
