import { pagesOf } from "../../src/core/shared/pages.ts";

/** Reads one page after another. */
export async function allPages<Page extends { readonly cursor?: string | null | undefined }>(
  read: (cursor: string | undefined) => Promise<Page>,
): Promise<readonly Page[]> {
  const pages: Page[] = [];
  for await (const page of pagesOf(read)) pages.push(page);
  return pages;
}
