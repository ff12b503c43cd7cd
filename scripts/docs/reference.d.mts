export function reference(options: { readonly check: boolean; readonly root?: string }): Promise<string[]>;
