import { BaseSequencer, type TestSpecification } from "vitest/node";

const longest = [
  ...["conformance/model", "dashboard/browser-accessibility", "dev/dev", "runtimes/npm-start", "docs/built-site"],
  ...["dashboard/browser-views", "dashboard/browser-cost", "dashboard/browser-actions", "dashboard/browser-cold"],
  ...["runtimes/workerd/demo", "dashboard/browser-children", "dashboard/browser-sign-in", "dashboard/browser-polling"],
  ...["runtimes/smoke/smoke", "reliability/crashes", "qstash/crashes", "reliability/alerts", "reliability/network"],
  ...["package/installed", "costs/job-events", "costs/keys", "core/cron/clock-changes", "cli/main", "cli/screens"],
  ...["dashboard/browser-steps", "dashboard/browser-details", "dev/cron", "conformance/drain-claims"],
  ...["reliability/lost-replies", "reliability/budget", "alerts/receiver-down", "qstash/workflow-crashes"],
  ...["package/bundled", "package/declarations", "core/drain/hostile-handlers"],
  // What runs in workerd would otherwise run last, one file after another.
  ...["worker", "workflow", "qstash", "telemetry"].map((name) => `runtimes/workerd/${name}`),
];

const rankOf = ({ moduleId }: TestSpecification) => {
  const rank = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank < 0 ? longest.length : rank;
};

/**
 * Starts the files first that take longest, so that none is left to run alone at the end. On a clean clone Vitest knows
 * of no times.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => rankOf(one) - rankOf(other));
  }
}
