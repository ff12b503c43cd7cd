import type { DefaultTheme } from "vitepress";
import { addressOf, isOfType, referenceFolder, referencePaths, titleOf } from "./pages.ts";

interface Group {
  readonly text: string;
  readonly pages: readonly string[];
  /** Whether the group is closed until the reader is on one of its pages. */
  readonly collapsed?: boolean;
}

/** The order of the pages, without those of docs/internals. A test compares it with the files and with the guide. */
export const groups: readonly Group[] = [
  {
    text: "Start",
    pages: ["README.md", "docs/quickstart.md", "docs/vercel.md", "docs/frameworks.md", "docs/guide/README.md"],
  },
  {
    text: "Guide",
    pages: [
      "docs/guide/jobs.md",
      "docs/guide/running.md",
      "docs/guide/local.md",
      "docs/guide/retries.md",
      "docs/guide/schedules.md",
      "docs/guide/duplicates.md",
      "docs/guide/flow-control.md",
      "docs/guide/steps.md",
      "docs/guide/children.md",
      "docs/guide/clients.md",
      "docs/guide/testing.md",
      "docs/guide/recipes.md",
    ],
  },
  {
    text: "Operate",
    pages: [
      "docs/guide/security.md",
      "docs/guide/production.md",
      "docs/guide/observe.md",
      "docs/guide/costs.md",
      "docs/guide/scaling.md",
      "docs/guide/troubleshooting.md",
    ],
  },
  { text: "Compare and migrate", pages: ["docs/compare.md", "docs/guide/qstash.md"] },
  { text: "Reference", pages: ["docs/commands.md", "docs/http.md", "docs/options.md"] },
  { text: "Project", pages: ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"], collapsed: true },
];

const itemOf = (page: string): DefaultTheme.SidebarItem => ({ text: titleOf(page), link: `/${addressOf(page)}` });

/** The sidebar of the pages of the repository: each with its own title. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  return groups.map(({ pages, ...group }) => ({ ...group, items: pages.map(itemOf) }));
}

/** The sidebar of the API reference: each import, with its functions and classes, and then its types. */
export function referenceSidebar(): DefaultTheme.SidebarItem[] {
  const paths = referencePaths();
  const types = new Set(paths.filter(isOfType));
  const folderOf = (page: string) => page.replace(/[^/]*$/, "");
  const imports = paths.filter((page) => page.endsWith("/README.md") && folderOf(page) !== `${referenceFolder}/`);
  return imports.map((page) => ({
    ...itemOf(page),
    collapsed: true,
    items: paths
      .filter((each) => each !== page && folderOf(each) === folderOf(page))
      .sort((one, other) => Number(types.has(one)) - Number(types.has(other)) || one.localeCompare(other))
      .map(itemOf),
  }));
}
