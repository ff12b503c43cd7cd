import { join, relative } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { root } from "../package/built.ts";

// With `exactOptionalPropertyTypes`, an optional property takes `undefined` only if its type says so.

/** What users may write for themselves is no option: a store, a client of Redis, the sleep of a clock. */
const notOptions = /^src\/(core\/store\/|stores\/redis-tcp\/clients|core\/shared\/clock|core\/job\/children)/;

const config = ts.getParsedCommandLineOfConfigFile(
  join(root, "tsconfig.json"),
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic() {},
  },
);
const entries = Object.values(config?.options.paths ?? {}).flatMap((paths) => paths.map((path) => join(root, path)));

/**
 * Finds the optional properties of what public functions, constructors and methods take that do not take `undefined`.
 */
class Search {
  readonly found = new Set<string>();
  readonly #checker: ts.TypeChecker;
  readonly #undefined: ts.Type;
  readonly #seen = new Set<ts.Type>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
    this.#undefined = checker.getUndefinedType();
  }

  get examined(): number {
    return this.#seen.size;
  }

  module(symbol: ts.Symbol): void {
    for (const exported of this.#checker.getExportsOfModule(symbol)) {
      const isAlias = exported.flags & ts.SymbolFlags.Alias;
      const meant = isAlias ? this.#checker.getAliasedSymbol(exported) : exported;
      if (meant.flags & ts.SymbolFlags.Type && /Options$/.test(meant.name))
        this.#taken(this.#checker.getDeclaredTypeOfSymbol(meant));
      if (!(meant.flags & ts.SymbolFlags.Value)) continue;
      const type = this.#checker.getTypeOfSymbol(meant);
      this.#called(type.getCallSignatures());
      for (const made of type.getConstructSignatures()) {
        this.#called([made]);
        this.#methods(made.getReturnType(), 2);
      }
    }
  }

  #methods(type: ts.Type, depth: number): void {
    for (const member of type.getProperties()) {
      if (placeOf(member, type) === undefined) continue;
      const own = this.#checker.getTypeOfSymbol(member);
      this.#called(own.getCallSignatures());
      if (depth > 1) this.#methods(own, depth - 1);
    }
  }

  #called(signatures: readonly ts.Signature[]): void {
    for (const signature of signatures)
      for (const parameter of signature.getParameters()) this.#taken(this.#checker.getTypeOfSymbol(parameter));
  }

  #taken(type: ts.Type): void {
    if (this.#seen.has(type)) return;
    this.#seen.add(type);
    if (type.isTypeParameter()) {
      const constraint = this.#checker.getBaseConstraintOfType(type);
      if (constraint) this.#taken(constraint);
    }
    if (type.isUnion()) for (const each of type.types) this.#taken(each);
    if (!(type.flags & ts.TypeFlags.Object) && !type.isIntersection()) return;
    if (this.#checker.isArrayType(type) || this.#checker.isTupleType(type))
      for (const item of this.#checker.getTypeArguments(type as ts.TypeReference)) this.#taken(item);
    // A function of the user's may give options.
    for (const signature of type.getCallSignatures()) this.#taken(signature.getReturnType());
    for (const property of type.getProperties()) {
      const place = placeOf(property, type);
      if (place === undefined) continue;
      const own = this.#checker.getTypeOfSymbol(property);
      if (property.flags & ts.SymbolFlags.Optional && !this.#takesUndefined(own))
        this.found.add(`${place}: ${property.name}`);
      this.#taken(own);
    }
  }

  #takesUndefined(type: ts.Type): boolean {
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return true;
    return (type.isUnion() ? type.types : [type]).includes(this.#undefined);
  }
}

/**
 * The file of this repository that declares a property; undefined for others, for private ones and for what is no
 * option.
 */
function placeOf(property: ts.Symbol, owner: ts.Type): string | undefined {
  const declaration = property.declarations?.[0] ?? owner.symbol?.declarations?.[0];
  const file = declaration && relative(root, declaration.getSourceFile().fileName);
  const isOption = file?.startsWith("src/") && !notOptions.test(file) && !property.name.startsWith("#");
  return isOption ? file : undefined;
}

// To read all types takes the compiler six seconds.
test.runIf(isForAll)("the type of every option takes undefined", () => {
  const program = ts.createProgram(entries, config?.options ?? {});
  const checker = program.getTypeChecker();
  const search = new Search(checker);
  for (const entry of entries) {
    const file = program.getSourceFile(entry);
    const symbol = file && checker.getSymbolAtLocation(file);
    if (symbol) search.module(symbol);
  }
  expect([...search.found]).toEqual([]);
  expect(search.examined).toBeGreaterThan(300);
});
