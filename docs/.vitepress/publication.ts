import manifest from "../../package.json" with { type: "json" };

/** Where the project is published. Until a maintainer sets these fields in package.json, it is nowhere. */
export interface Publication {
  /** The address of the repository, without a slash at its end. */
  readonly repository: string | undefined;
  /** The address of the site, with a slash at its end. */
  readonly site: string | undefined;
}

export function publicationOf({ repository, homepage }: Manifest): Publication {
  return { repository: repository?.url.replace(/^git\+/, "").replace(/\.git$/, ""), site: homepage };
}

interface Manifest {
  readonly repository?: { readonly url: string };
  readonly homepage?: string;
}

export const publication = publicationOf(manifest as Manifest);
