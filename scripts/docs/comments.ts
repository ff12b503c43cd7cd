// Reads the comments on the fields of interfaces from the sources, so that pages need not repeat them.
import { readFileSync } from "node:fs";
import ts from "typescript";

/**
 * Reads the documentation comments of the fields of an interface.
 *
 * @param file its path from the root of the repository.
 * @returns the comments by field, each on one line; fields without a comment are left out.
 * @throws {Error} if there is no such interface.
 */
export function commentsOf(file: string, name: string): ReadonlyMap<string, string> {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = source.statements.filter(ts.isInterfaceDeclaration).find((each) => each.name.text === name);
  if (!found) throw new Error(`${file} has no interface ${name}.`);
  return new Map(
    found.members.flatMap((member) => {
      const comment = ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(member)[0]?.comment);
      return comment && member.name ? [[member.name.getText(), comment.replace(/\s+/g, " ")] as const] : [];
    }),
  );
}
