import { expect, test } from "vitest";
import { trials } from "../../scripts/shared/all-tests.ts";
import { soak } from "../support/api-soak.ts";

test("requests generated from the document are answered as it says, and refused ones change nothing", async () => {
  const requests = trials(2_000);
  const report = await soak({ requests });
  const seen = Object.values(report).reduce((sum, count) => sum + count, 0);
  expect(seen).toBeGreaterThanOrEqual(requests);
  for (const status of [200, 201, 204, 400, 401, 403, 404, 409, 422])
    expect(report[status], `${status}`).toBeGreaterThan(0);
});
