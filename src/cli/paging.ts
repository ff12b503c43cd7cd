import type { Command, OptionValues } from "@commander-js/extra-typings";
import { pagesOf } from "../core/shared/pages.ts";
import { whole } from "./option-values.ts";
import { counted } from "./output/text.ts";
import type { Session } from "./session.ts";

/** One page of a list; its items are in the field. */
type Page<Field extends string, Item> = { readonly [Name in Field]: readonly Item[] } & {
  readonly cursor: string | null;
};

/** Adds the options that every list has. */
export function addPageOptions<Arguments extends unknown[], Options extends OptionValues>(
  command: Command<Arguments, Options>,
) {
  return command
    .option("--limit <count>", "how many", whole(1, 1_000), 50)
    .option("--cursor <cursor>", "continue after the previous page")
    .option("--all", "every page");
}

/**
 * Reads one page or all of them, and shows the progress. A page may be empty though others follow: then it reads on.
 */
export async function readPages<Field extends "jobs" | "keys" | "failures", Item>(
  field: Field,
  read: (cursor: string | undefined) => Promise<Page<Field, Item>>,
  from: string | undefined,
  isAll: boolean | undefined,
  session: Session,
): Promise<Page<Field, Item>> {
  const line = session.liveLine();
  const items: Item[] = [];
  let cursor: string | null = null;
  try {
    for await (const page of pagesOf(read, from)) {
      items.push(...page[field]);
      cursor = page.cursor;
      if (cursor !== null) line.show(`${counted(items.length, field.slice(0, -1))} read`);
      if (!isAll && items.length > 0) break;
    }
  } finally {
    line.clear();
  }
  return { [field]: items, cursor } as Page<Field, Item>;
}

/** Says how to see the next page. */
export function noteNextPage(cursor: string | null, session: Session): void {
  if (cursor !== null) session.note(`More follow. Add --cursor '${cursor}', or --all.`);
}
