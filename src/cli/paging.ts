import type { Command, OptionValues } from "@commander-js/extra-typings";
import { pagesOf } from "../core/shared/pages.ts";
import { whole } from "./option-values.ts";
import { counted } from "./output/text.ts";
import type { Session } from "./session.ts";
import type { Since } from "./since.ts";

type Page<Field extends string, Item> = { readonly [Name in Field]: readonly Item[] } & {
  readonly cursor: string | null;
};

/** Which pages to read. */
export interface Paging<Item> {
  /** Where to begin. */
  readonly from?: string | undefined;
  /** Whether to read every page. Default: the first that is not empty. */
  readonly all?: boolean | undefined;
  /** Default: everything. */
  readonly since?: Since<Item> | undefined;
}

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
export async function readPages<Field extends "jobs" | "keys" | "failures" | "runs", Item>(
  field: Field,
  read: (cursor: string | undefined) => Promise<Page<Field, Item>>,
  { from, all, since }: Paging<Item>,
  session: Session,
): Promise<Page<Field, Item>> {
  const line = session.liveLine();
  const items: Item[] = [];
  let cursor: string | null = null;
  try {
    for await (const page of pagesOf(read, from)) {
      const given: readonly Item[] = page[field];
      const shown = since ? given.filter((item) => since.timeOf(item) >= since.ms) : given;
      items.push(...shown);
      cursor = since?.isNewestFirst && shown.length < given.length ? null : page.cursor;
      if (cursor === null || (!all && items.length > 0)) break;
      line.show(`${counted(items.length, field.slice(0, -1))} read`);
    }
  } finally {
    line.clear();
  }
  return { [field]: items, cursor } as Page<Field, Item>;
}

export function noteNextPage(cursor: string | null, session: Session): void {
  if (cursor !== null) session.note(`More follow. Add --cursor '${cursor}', or --all.`);
}
