import { BaseSequencer, type TestSpecification } from "vitest/node";

const longest = [
  // Files inside workerd run one after another, beside the others.
  ...["demo", "worker", "workflow", "qstash", "telemetry"].map((name) => `runtimes/workerd/${name}`),
  ...["conformance/model", "dashboard/browser-accessibility", "dev/dev", "runtimes/npm-start", "docs/built-site"],
  ...["dashboard/browser-cost", "dashboard/browser-actions", "dashboard/browser-views", "dashboard/browser-cold"],
  ...["runtimes/smoke/smoke", "reliability/crashes", "qstash/crashes", "reliability/alerts", "reliability/network"],
  ...["package/installed", "costs/job-events", "costs/keys", "core/cron/clock-changes", "cli/main"],
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
