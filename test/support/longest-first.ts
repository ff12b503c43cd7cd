import { BaseSequencer, type TestSpecification } from "vitest/node";

const longest = [
  ...["conformance/model", "package/declarations", "runtimes/npm-start", "package/installed"],
  ...["runtimes/smoke/smoke", "docs/built-site", "docs/command-line", "dashboard/browser-cost", "reliability/crashes"],
  ...["qstash/workflow-crashes", "qstash/crashes", "conformance/drain-claims", "core/cron/clock-changes"],
  ...["reliability/network", "cli/main"],
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
