import type { DefaultTheme } from "vitepress";
import { addressOf, isOfType, referenceFolder, referencePaths, titleOf } from "./pages.ts";

interface Group {
  readonly text: string;
  readonly pages: readonly string[];
  /** Whether the group is closed until the reader is on one of its pages. */
  readonly collapsed?: boolean;
}

/** The order of the pages, without those of docs/internals, which the guide links. Tests compare it with the files, with the contents of the guide and with the README. */
export const groups: readonly Group[] = [
  { text: "Start", pages: ["README.md", "docs/newcomer.md", "docs/guide/README.md"] },
  {
    text: "Use",
    pages: [
      "docs/guide/define.md",
      "docs/guide/enqueue.md",
      "docs/guide/jobs-enqueue-jobs.md",
      "docs/guide/children.md",
      "docs/guide/steps.md",
      "docs/guide/work.md",
      "docs/guide/wake.md",
      "docs/guide/cron.md",
      "docs/guide/retries.md",
      "docs/guide/flow-control.md",
      "docs/guide/dead-letter.md",
      "docs/guide/alerts.md",
      "docs/guide/live.md",
      "docs/guide/testing.md",
      "docs/guide/recipes.md",
    ],
  },
  {
    text: "Deploy",
    pages: [
      "docs/guide/local.md",
      "docs/guide/cloudflare.md",
      "docs/guide/vercel.md",
      "docs/guide/security.md",
      "docs/guide/encryption.md",
      "docs/guide/costs.md",
    ],
  },
  {
    text: "Frameworks",
    pages: [
      "docs/frameworks/next.md",
      "docs/frameworks/hono.md",
      "docs/frameworks/sveltekit.md",
      "docs/frameworks/nuxt.md",
      "docs/frameworks/astro.md",
      "docs/frameworks/react-router.md",
      "docs/frameworks/express.md",
      "docs/frameworks/lambda.md",
      "docs/frameworks/netlify.md",
    ],
  },
  {
    text: "Operate",
    pages: [
      "docs/guide/troubleshooting.md",
      "docs/guide/command-line.md",
      "docs/dashboard.md",
      "docs/guide/statistics.md",
      "docs/metrics.md",
      "docs/telemetry.md",
      "docs/guide/scaling.md",
      "docs/upgrades.md",
    ],
  },
  {
    text: "Move",
    pages: [
      "docs/others.md",
      "docs/guide/from-bullmq.md",
      "docs/guide/from-qstash.md",
      "docs/guide/from-inngest.md",
      "docs/guide/from-trigger.md",
      "docs/guide/from-cloudflare-queues.md",
      "docs/guide/qstash.md",
    ],
  },
  { text: "Reference", pages: ["docs/commands.md", "docs/http.md", "docs/state-machine.md"] },
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
