import ts from "typescript";

/**
 * What a piece of JavaScript does, counted: each call and `new` by the name called, and each statement that acts. A
 * `throw` is not counted, since minifiers join several into one: what it throws is.
 */
export type Actions = ReadonlyMap<string, number>;

/**
 * Counts what a module does. Names that differ between a source and what a bundler makes of it count as the same:
 * imports under another name, members of a namespace, and names with a number added.
 */
export function actionsOf(code: string): Actions {
  const file = ts.createSourceFile("module.js", code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const imported = importedNames(file);
  const counts = new Map<string, number>();
  const visit = (node: ts.Node): void => {
    const action = actionOf(node, imported);
    if (action) counts.set(action, (counts.get(action) ?? 0) + 1);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return counts;
}

/** What the first does more often than the second. */
export function lostActions(before: Actions, after: Actions): readonly string[] {
  return [...before].filter(([action, count]) => count > (after.get(action) ?? 0)).map(([action]) => action);
}

function actionOf(node: ts.Node, imported: ReadonlyMap<string, string>): string | undefined {
  if (ts.isCallExpression(node)) return `call of ${nameOf(node.expression, imported)}`;
  if (ts.isNewExpression(node)) return `new ${nameOf(node.expression, imported)}`;
  if (ts.isTryStatement(node)) return "try";
  if (ts.isAwaitExpression(node)) return "await";
  if (ts.isDeleteExpression(node)) return "delete";
  if (ts.isForOfStatement(node) || ts.isForStatement(node) || ts.isWhileStatement(node)) return "loop";
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) return "assignment";
  return undefined;
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function nameOf(callee: ts.Node, imported: ReadonlyMap<string, string>): string {
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text;
  if (!ts.isIdentifier(callee)) return ts.SyntaxKind[callee.kind] ?? "";
  return imported.get(callee.text) ?? callee.text.replace(/\$\d+$/, "");
}

function importedNames(file: ts.SourceFile): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const statement of file.statements) {
    const bindings = ts.isImportDeclaration(statement) && statement.importClause?.namedBindings;
    if (!bindings || !ts.isNamedImports(bindings)) continue;
    for (const { name, propertyName } of bindings.elements) names.set(name.text, (propertyName ?? name).text);
  }
  return names;
}
