export function snippets(options: { readonly check: boolean; readonly root?: string }): Promise<string[]>;
