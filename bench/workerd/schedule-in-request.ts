// The same schedule, parsed by the first request.
import { defineJob } from "../../src/index.ts";

export default {
  fetch() {
    const report = defineJob({ name: "report", schedule: { cron: "0 9 * * *" }, perform: () => {} });
    return Response.json({ name: report.name });
  },
};
