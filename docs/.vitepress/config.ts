import { defineConfig } from "vitepress";
import manifest from "../../package.json" with { type: "json" };
import { anchorOf } from "../../scripts/docs/anchor.ts";
import { useSiteLinks } from "./links.ts";
import { sitePath } from "./pages.ts";
import { sidebar } from "./sidebar.ts";

const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" fill="none" stroke="#0a8c7c" stroke-width="2" stroke-linecap="round"><path d="M3 2v16M17 2v16M3 7q3.5-3 7 0t7 0M3 13q3.5-3 7 0t7 0"/></svg>`;
const logo = `data:image/svg+xml,${encodeURIComponent(mark)}`;

/** Ranks the guide before the references, which have every word. It runs in the browser, so it uses nothing from here. */
const boostDocument = (id: string) => (id.startsWith("/guide/") ? 2 : id.startsWith("/api/") ? 0.5 : 1);

// The pages stay where GitHub shows them, and the site has no text of its own.
export default defineConfig({
  title: "Tidegate",
  description: manifest.description,
  head: [["link", { rel: "icon", href: logo }]],
  srcDir: "..",
  srcExclude: ["!(docs)/**/*"],
  ignoreDeadLinks: "localhostLinks",
  rewrites: sitePath,
  markdown: { config: useSiteLinks, anchor: { slugify: anchorOf } },
  // The index of the search is one file, loaded with the first search.
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  themeConfig: {
    logo,
    search: { provider: "local", options: { miniSearch: { searchOptions: { boostDocument } } } },
    sidebar: sidebar(),
    outline: [2, 3],
    nav: [
      { text: "Guide", link: "/guide/" },
      { text: "Commands", link: "/commands" },
      { text: "HTTP", link: "/http" },
      { text: "API", link: "/api/" },
    ],
    socialLinks: [{ icon: "github", link: manifest.homepage }],
  },
});
