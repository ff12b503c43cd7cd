import type { DefaultTheme } from "vitepress";

// These two run in the browser too, so they use nothing from here.

/** The terms of a word: itself, and in the singular. So "retry" finds Retries. */
function processTerm(word: string): string[] {
  const term = word.toLowerCase();
  const singular = term.replace(/ies$/, "y").replace(/([^s])s$/, "$1");
  return singular === term ? [term] : [term, singular];
}

/** Ranks pages before their sections, and the guide before the references, which have every word. */
function boostDocument(id: string, _term: string, fields?: Record<string, unknown>): number {
  const rank = /\/(guide|frameworks)\//.test(id) ? 2 : /\/(api|changelog)\b/.test(id) ? 0.5 : 1;
  const isPage = Array.isArray(fields?.["titles"]) && fields["titles"].length === 0;
  return isPage ? 2 * rank : rank;
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
