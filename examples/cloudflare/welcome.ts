/** Says what to do next: the response to GET /, and the first screen of `npm start`. */
export function welcome(origin: string, store: string): string {
  const post = (path: string, body: object = {}) => `  curl ${origin}${path} --json '${JSON.stringify(body)}'`;
  const email = { name: "send_email", payload: { to: "ada@example.com", subject: "Hello" } };
  return `Tidegate runs on ${origin}. Jobs are kept in ${store}.

Open the dashboard:
  ${origin}/dashboard

Enqueue a job that succeeds, one that is retried, and one that dies:
${post("/jobs", email)}
${post("/jobs", { name: "flaky", payload: { failures: 2 } })}
${post("/jobs", { name: "always_fails" })}

See the results:
  curl ${origin}/stats
  curl "${origin}/jobs?state=completed"
  curl ${origin}/dead-letter

Retry the dead jobs:
${post("/dead-letter/retry", { all: true })}

See the schedule, which enqueues a heartbeat every 15 seconds:
  curl ${origin}/schedules
`;
}
