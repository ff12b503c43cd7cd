// A schedule at module scope: it is parsed when an isolate starts.
import { defineJob } from "../../src/index.ts";

const report = defineJob({ name: "report", schedule: { cron: "0 9 * * *" }, perform: () => {} });

export default { fetch: () => Response.json({ name: report.name }) };
