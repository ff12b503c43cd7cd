import type { Command, OptionValues } from "@commander-js/extra-typings";
import { pagesOf } from "../core/shared/pages.ts";
import { whole } from "./option-values.ts";
import { counted } from "./output/text.ts";
import type { Session } from "./session.ts";

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

/** Reads the first page that is not empty, or all pages, and shows the progress. */
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

export function noteNextPage(cursor: string | null, session: Session): void {
  if (cursor !== null) session.note(`More follow. Add --cursor '${cursor}', or --all.`);
}
