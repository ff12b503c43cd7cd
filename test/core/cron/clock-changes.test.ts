import { expect, test } from "vitest";
import { isForAll, seed } from "../../../scripts/shared/all-tests.ts";
import { clockChanges, clockSignature, compareZone } from "../../support/cron-oracle.ts";
import { oraclePatterns } from "../../support/cron-oracle-patterns.ts";

const DAY_MS = 86_400_000;
const fromMs = Date.UTC(2025, 0, 1);
const toMs = Date.UTC(2027, 0, 1);

/** One zone for each history of clock changes: zones that share every change fire alike. */
function different(zones: readonly string[]): string[] {
  return [...new Map(zones.map((zone) => [clockSignature(zone, fromMs, toMs), zone])).values()];
}

/** All of them with `--all`, else one in 24. */
function drawn(zones: readonly string[]): readonly string[] {
  return isForAll ? zones : zones.filter((_, index) => index % 24 === seed % 24);
}

test("every pattern follows the rule around each clock change of 2025 and 2026, whichever the zone", () => {
  const zones = different(drawn(Intl.supportedValuesOf("timeZone")));
  expect(zones.length).toBeGreaterThan(isForAll ? 50 : 10);
  for (const zone of zones) {
    const changes = clockChanges(zone, fromMs, toMs);
    for (const ms of changes.length > 0 ? changes : [Date.UTC(2026, 1, 28)]) {
      expect(compareZone(zone, oraclePatterns, ms - 2 * DAY_MS, ms + 2 * DAY_MS).differences, zone).toEqual([]);
    }
  }
});

test.each(["Europe/Paris", "Australia/Lord_Howe", "Africa/Casablanca"])(
  "patterns of few slots fire as the rule says for a year in %s",
  (zone) => {
    const { asked, differences } = compareZone(zone, oraclePatterns.slice(0, 18), Date.UTC(2026, 0, 1), toMs);
    expect(differences).toEqual([]);
    expect(asked).toBeGreaterThan(25_000);
  },
);

test("a day that a zone skipped is compared too", () => {
  const skippedMs = Date.UTC(2011, 11, 30, 10);
  expect(clockChanges("Pacific/Apia", skippedMs - 2 * DAY_MS, skippedMs + 2 * DAY_MS)).toEqual([skippedMs]);
  expect(
    compareZone("Pacific/Apia", oraclePatterns, skippedMs - 4 * DAY_MS, skippedMs + 4 * DAY_MS).differences,
  ).toEqual([]);
});
