import type { DefaultTheme } from "vitepress";

// These two run in the browser too, so they use nothing from here.

/** The terms of a word: itself, and in the singular. So "retry" finds Retries. */
function processTerm(word: string): string[] {
  const term = word.toLowerCase();
  const singular = term.replace(/ies$/, "y").replace(/([^s])s$/, "$1");
  return singular === term ? [term] : [term, singular];
}

/**
 * Ranks pages that are named after the term before all else, then the guide before the references, which have every
 * word, and what `tidegate` exports before the tables of options, and before what its subpaths export. Methods of a
 * queue come before the same ones of a producer.
 */
function boostDocument(id: string, term: string, fields?: Record<string, unknown>): number {
  const isOfSubpath = /\/api\/tidegate\/[^/]+\//.test(id);
  const rank = isOfSubpath ? 0.25 : /\/(api|changelog)\b/.test(id) ? 0.5 : /\/(guide|frameworks)\//.test(id) ? 2 : 1;
  if (!Array.isArray(fields?.["titles"]) || fields["titles"].length > 0)
    return /\/(api\/tidegate\/producer|options)#/.test(id) ? rank / 4 : rank;
  const name = `${fields["title"]} ${id.replace(/#.*/, "").replace(/.*\//, "")}`.toLowerCase();
  return `${name} ${name.replace(/ies\b/g, "y")}`.includes(term) ? 4 * rank : rank;
}

/** The search of the site. Its index is one file, loaded with the first search. */
export const search = {
  provider: "local",
  options: {
    miniSearch: {
      options: { processTerm },
      searchOptions: { boost: { title: 6, titles: 2, text: 1 }, boostDocument },
    },
  },
} satisfies DefaultTheme.Config["search"];
