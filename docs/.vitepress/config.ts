import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type HeadConfig, type PageData } from "vitepress";
import manifest from "../../package.json" with { type: "json" };
import { anchorOf } from "../../scripts/docs/anchor.ts";
import { writeReference } from "../../scripts/docs/reference.ts";
import { useSiteLinks } from "./links.ts";
import { addressOf, descriptionOf, referenceFolder, sitePath } from "./pages.ts";
import { publication } from "./publication.ts";
import { search } from "./search.ts";
import { referenceSidebar, sidebar } from "./sidebar.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { repository, site } = publication;
const base = site ? new URL(site).pathname : "/";

// The pages stay where the host of a repository shows them. The API reference is made anew each time.
export default async () => {
  await writeReference(join(root, referenceFolder));
  return defineConfig({
    title: "Tidegate",
    description: manifest.description,
    base,
    head: [["link", { rel: "icon", href: `${base}logo.svg`, type: "image/svg+xml" }]],
    srcDir: "..",
    srcExclude: ["!(docs)/**/*"],
    ignoreDeadLinks: "localhostLinks",
    cleanUrls: true,
    // The sidebar of the API reference is long: pages share it.
    metaChunk: true,
    rewrites: sitePath,
    ...(site && { sitemap: { hostname: site } }),
    markdown: {
      config: useSiteLinks,
      anchor: { slugify: anchorOf },
      // Comments and keywords stand out enough from the background of a block, unlike those of the default theme.
      theme: { light: "github-light-high-contrast", dark: "github-dark-default" },
    },
    vite: {
      publicDir: join(root, "docs/.vitepress/public"),
      build: { chunkSizeWarningLimit: 2_000 },
      // `vitepress dev` would look for packages in the pages of the examples.
      optimizeDeps: { entries: ["docs/.vitepress/theme/index.ts"] },
    },
    transformPageData({ filePath, frontmatter }) {
      return { description: frontmatter["description"] ?? descriptionOf(filePath) ?? manifest.description };
    },
    transformHead: ({ pageData }) => headOf(pageData),
    // Its address must stay the same.
    buildEnd: ({ outDir }) => copyFile(join(root, "docs/images/card.png"), join(outDir, "card.png")),
    themeConfig: {
      logo: "/logo.svg",
      search,
      sidebar: { "/": sidebar(), "/api/": referenceSidebar() },
      outline: [2, 3],
      nav: [
        { text: "Guide", link: "/guide/", activeMatch: "^/guide/" },
        { text: "Compare", link: "/compare" },
        {
          text: "Reference",
          items: [
            { text: "API", link: "/api/" },
            { text: "Commands", link: "/commands" },
            { text: "HTTP", link: "/http" },
          ],
        },
      ],
      ...(repository && {
        socialLinks: [{ icon: "github", link: repository }],
        editLink: { pattern: `${repository}/edit/main/:path`, text: "Edit this page" },
      }),
      footer: { message: repository ? `MIT licence. <a href="${repository}">Source</a>.` : "MIT licence." },
      notFound: {
        title: "There is no page here",
        quote: "It may have moved. The search above finds every page, and every symbol of the API.",
        linkText: "To the home page",
      },
    },
  });
};

/** What search engines show of a page, and what chats and social networks show. */
function headOf({ title, description, filePath }: PageData): HeadConfig[] {
  const properties = {
    "og:type": "website",
    "og:site_name": "Tidegate",
    "og:title": title || "Tidegate",
    "og:description": description,
    ...(site && { "og:url": site + (filePath ? addressOf(filePath) : ""), "og:image": `${site}card.png` }),
  };
  return [
    // VitePress would write a description without escaping it.
    ["meta", { name: "description", content: description }],
    ...Object.entries(properties).map(([property, content]): HeadConfig => ["meta", { property, content }]),
    ["meta", { name: "twitter:card", content: "summary_large_image" }],
  ];
}
