export async function* pagesOf<Page extends { readonly cursor?: string | null | undefined }>(
  read: (cursor: string | undefined) => Promise<Page>,
  from?: string | undefined,
): AsyncGenerator<Page> {
  let cursor = from;
  do {
    const page = await read(cursor);
    cursor = page.cursor ?? undefined;
    yield page;
  } while (cursor !== undefined);
}
