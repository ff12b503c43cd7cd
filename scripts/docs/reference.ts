// Makes the API reference from the documentation comments of the package's exports: one page for each import and for
// each symbol. The site has it; the repository does not.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Application,
  type CommentDisplayPart,
  type Context,
  Converter,
  DeclarationReflection,
  LiteralType,
  Logger,
  LogLevel,
  PageEvent,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  TSConfigReader,
  type TypeDocOptions,
  UnionType,
} from "typedoc";
import { MemberRouter, load as markdown } from "typedoc-plugin-markdown";

const repository = fileURLToPath(new URL("../..", import.meta.url));

const tables = [
  "indexFormat",
  "parametersFormat",
  "interfacePropertiesFormat",
  "classPropertiesFormat",
  "typeAliasPropertiesFormat",
  "propertyMembersFormat",
  "typeDeclarationFormat",
];

const options: TypeDocOptions & Readonly<Record<string, unknown>> = {
  plugin: [markdown],
  router: "symbol",
  readme: "none",
  name: "API reference",
  logLevel: "Warn",
  // `npm run check:types` does it.
  skipErrorChecking: true,
  disableSources: true,
  disableGit: true,
  excludeInternal: true,
  excludeExternals: true,
  preservedTypeAnnotationTags: ["@throws"],
  requiredToBeDocumented: ["Module", "Variable", "Function", "Class", "Interface", "Method", "Accessor", "TypeAlias"],
  validation: { notDocumented: true, invalidLink: true, notExported: true },
  // The names of its methods are public, and nothing else of it.
  intentionallyNotExported: ["QueueStore"],
  groupOrder: ["Functions", "Classes", "Variables", "Interfaces", "Type Aliases", "Constructors", "Properties"],
  hidePageHeader: true,
  hideBreadcrumbs: true,
  pageTitleTemplates: { index: "API reference", module: "{name}", member: "{name}" },
  useCodeBlocks: true,
  expandObjects: true,
  expandParameters: true,
  ...Object.fromEntries(tables.map((table) => [table, "table"])),
  tableColumnSettings: {
    hideInherited: true,
    hideModifiers: true,
    hideOverrides: true,
    hideSources: true,
    leftAlignHeaders: true,
  },
};

/** Checks that every export has a comment. @throws {Error} if one has none; the message names all without one */
export async function checkComments(root: string = repository): Promise<void> {
  await documented(root);
}

/**
 * Writes the API reference into a folder, which loses what it had.
 *
 * @throws {Error} if an export has no comment; the message names all without one.
 */
export async function writeReference(folder: string, root: string = repository): Promise<void> {
  const { app, project, logger } = await documented(root);
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = asPage(page);
  });
  await app.outputs.writeOutput({ name: "markdown", path: folder }, project);
  logger.check();
}

/** Reads the comments of all exports, and complains of those that are missing. */
async function documented(root: string) {
  const entries = entryPoints(root);
  const logger = new Complaints();
  const app = await Application.bootstrapWithPlugins(
    { ...options, tsconfig: join(root, "tsconfig.json"), entryPoints: [...entries.values()] },
    [new TSConfigReader()],
  );
  app.logger = logger;
  app.renderer.defineRouter("symbol", SymbolRouter);
  // Of all that tsconfig.json includes, it reads only what the entry points need.
  app.options.setCompilerOptions([...entries.values()], app.options.getCompilerOptions(logger), undefined);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, showWords);
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => showThrownTypes(project));
  const project = await app.convert();
  logger.check();
  if (!project) throw new Error("typedoc has read nothing.");
  app.validate(project);
  for (const complaint of [...unnamed(project, entries), ...silentFields(project)]) logger.error(complaint);
  logger.check();
  return { app, project, logger };
}

/** Puts a symbol right below its import, such as `QueueClient` below `tidegate/client`. */
class SymbolRouter extends MemberRouter {
  override getIdealBaseName(reflection: Reflection): string {
    return super
      .getIdealBaseName(reflection)
      .replace(/(functions|classes|variables|interfaces|type-aliases)\/(?=[^/]+$)/, "");
  }
}

const typesOnly = ReflectionKind.Interface | ReflectionKind.TypeAlias;
/** What many symbols have. As headings, they would fill the search. */
const commonHeadings = /^#+ (Parameters|Type Parameters|Returns|Throws|Default Value|Extends|Extended by|Overrides)$/gm;
// It has no source that a reader could edit, and its code, in lines of any length, is wrapped.
const frontmatter = "---\neditLink: false\npageClass: reference\n---\n\n";

/** The page of an import, or of a symbol: then it begins with how to import it. */
function asPage({ model, contents = "" }: PageEvent): string {
  const page = contents.replace(commonHeadings, "**$1**").replace(/^#+ [GS]et Signature\n\n/gm, "");
  if (!(model instanceof DeclarationReflection && model.parent?.kindOf(ReflectionKind.Module)))
    return frontmatter + page;
  const { name, parent } = model;
  const title = model.kindOf(ReflectionKind.Function) ? `${name}()` : name;
  const statement = `import ${model.kindOf(typesOnly) ? "type " : ""}{ ${name} } from "${parent.name}";`;
  return frontmatter + page.replace(/^# .*$/m, () => `# ${title}\n\n\`\`\`ts\n${statement}\n\`\`\``);
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

/** Each import of the package, with its source. */
function entryPoints(root: string): ReadonlyMap<string, string> {
  const { name, exports }: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const source = (types: string) => join(root, types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"));
  return new Map(
    Object.entries(exports)
      .flatMap(([subpath, paths]) => (typeof paths === "string" ? [] : [[subpath, paths.types] as const]))
      .map(([subpath, types]) => [subpath.replace(".", name), source(types)]),
  );
}

/** Reports sources whose comment does not say how to import them. */
function unnamed(project: ProjectReflection, entries: ReadonlyMap<string, string>): string[] {
  const names = new Set(project.children?.map((module) => module.name));
  return [...entries]
    .filter(([subpath]) => !names.has(subpath))
    .map(([subpath, source]) => `${source} must begin with a comment that ends with: @module ${subpath}`);
}

/** Reports fields without a comment: typedoc could only require comments on the fields of unnamed types too. */
function silentFields(project: ProjectReflection): string[] {
  return project
    .getReflectionsByKind(ReflectionKind.Property)
    .filter((field) => field.isDeclaration())
    .filter((field) => field.parent?.kindOf(ReflectionKind.ClassOrInterface) && !field.hasComment())
    .filter((field) => !field.inheritedFrom && !field.overwrites && !field.signatures)
    .map((field) => `${field.getFullName()} has no comment.`);
}

/** Shows the words of a type that is made from a constant: the constant is not public. */
function showWords(context: Context): void {
  const checker = context.programs[0]?.getTypeChecker();
  for (const alias of context.project.getReflectionsByKind(ReflectionKind.TypeAlias)) {
    const symbol = context.getSymbolFromReflection(alias);
    if (!symbol || !checker || !alias.isDeclaration() || alias.type?.type !== "indexedAccess") continue;
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const words = type.isUnion() ? type.types : [];
    alias.type = new UnionType(words.map((word) => new LiteralType(word.isStringLiteral() ? word.value : "")));
  }
}

/** Pages omit text in braces, which for `@throws` is the class of the error: moves it into the text. */
function showThrownTypes(project: ProjectReflection): void {
  const classes = new Map(project.getReflectionsByKind(ReflectionKind.Class).map((each) => [each.name, each]));
  for (const reflection of Object.values(project.reflections)) {
    for (const tag of reflection.comment?.getTags("@throws") ?? []) {
      const thrown = tag.typeAnnotation?.slice(1, -1);
      if (!thrown) continue;
      const target = classes.get(thrown);
      const shown: CommentDisplayPart = target
        ? { kind: "inline-tag", tag: "@linkcode", text: thrown, target }
        : { kind: "code", text: `\`${thrown}\`` };
      tag.content.unshift(shown, { kind: "text", text: tag.content.length > 0 ? ": " : "" });
    }
  }
}

/** Collects typedoc's warnings. */
class Complaints extends Logger {
  readonly #complaints: string[] = [];

  override log(message: string, level: LogLevel): void {
    // Another project than this one has no such symbol to leave out.
    const isOfThisOne = message.startsWith("The following symbols were marked as intentionally not exported");
    if (level >= LogLevel.Warn && !isOfThisOne) this.#complaints.push(message);
  }

  /** @throws {Error} if there was a warning. */
  check(): void {
    if (this.#complaints.length > 0) throw new Error(this.#complaints.join("\n"));
  }
}
