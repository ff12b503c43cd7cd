// A process that compares the schedules of one zone with the oracle, and prints the result.
import { compareZone } from "./cron-oracle.ts";
import { oraclePatterns } from "./cron-oracle-patterns.ts";

const found = compareZone(process.env["ZONE"] ?? "", oraclePatterns, Date.UTC(2025, 0, 1), Date.UTC(2027, 0, 1));
process.stdout.write(JSON.stringify(found));
