import { BaseSequencer, type TestSpecification } from "vitest/node";

const longest = [
  "conformance/model",
  "runtimes/npm-start",
  "docs/newcomer",
  "runtimes/smoke/smoke",
  "reliability/network",
  "reliability/failing-commands",
  "costs/most-commands",
  "core/cron/clock-changes",
  "reliability/crashes",
];

const rankOf = ({ moduleId }: TestSpecification) => {
  const rank = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank < 0 ? longest.length : rank;
};

/** Starts the files first that take longest, so that none is left to run alone at the end. On a clean clone Vitest knows of no times. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => rankOf(one) - rankOf(other));
  }
}
