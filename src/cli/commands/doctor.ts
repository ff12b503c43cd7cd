import type { Finding } from "../doctor/finding.ts";
import { checkHandler } from "../doctor/handler.ts";
import { checkQueue } from "../doctor/queue.ts";
import { checkRedis } from "../doctor/redis.ts";
import { printable, printableLines } from "../output/text.ts";
import { addCommand } from "../program.ts";
import { targetsOf } from "../queues.ts";
import type { Session } from "../session.ts";
import { openTarget, type Target } from "../target.ts";

const DESCRIPTION = `Checks the setup and says how to fix what it finds: the address, the token and its scope, the clocks,
Redis and its eviction policy, a backlog that nobody works on, dead jobs, slots of flow control keys that no job holds,
schedules whose last job died, and jobs and schedules that are in no code. It checks every queue that the handler or the
module serves, or the one that --queue names.

It reads the last jobs of schedules as queue:schedules does: through a handler, at most 200 requests a queue.

It only reads the queues. In Redis it writes one field outside the queue, and removes it again. Exits with 1 if a check fails.`;

export function addDoctor(session: Session): void {
  addCommand(
    session.program,
    "queue:doctor",
    "check the setup and suggest fixes",
    DESCRIPTION,
    ["tidegate queue:doctor", "check the queues of the handler that the environment names"],
    ["tidegate queue:doctor --url https://example.com/queue --module ./jobs.ts", "compare with your code too"],
  ).action(async () => {
    const target = await openTarget(session);
    const findings = await examine(target, session);
    const isHealthy = findings.every(({ status }) => status !== "fail");
    session.print({ ok: isHealthy, checks: findings }, () => report(target, findings, session));
    if (!isHealthy) session.exitCode = 1;
  });
}

async function examine(target: Target, session: Session): Promise<readonly Finding[]> {
  const [way, isReachable] = await checkConnection(target, session);
  if (!isReachable) return way;
  const targets = await targetsOf(target, session);
  const checked = [...targets].map(async ([queue, each]) => {
    const found = await checkQueue(each, session.now);
    return queue === undefined ? found : found.map((finding) => ({ ...finding, queue }));
  });
  return [...way, ...(await Promise.all(checked)).flat()];
}

async function checkConnection(target: Target, session: Session): Promise<[Finding[], boolean]> {
  const now = () => session.now;
  if (target.kind === "handler") return checkHandler(target, now, session.io);
  return target.kind === "redis" ? checkRedis(target, now) : [[], true];
}

function report(target: Target, findings: readonly Finding[], { colors }: Session): string {
  const paints = { ok: colors.green, warn: colors.yellow, fail: colors.red, unknown: colors.dim };
  const width = Math.max(...findings.map(({ check }) => check.length));
  const line = ({ check, status, message, advice }: Finding) => {
    const head = `${paints[status](status.padEnd(7))}  ${check.padEnd(width)}  ${printableLines(message)}`;
    const indent = " ".repeat(7 + 2 + width + 2);
    return advice === undefined ? head : `${head}\n${indent}${colors.dim(printableLines(advice))}`;
  };
  const queues = [...new Set(findings.map(({ queue }) => queue))];
  const several = queues.filter((queue) => queue !== undefined);
  const label = several.length > 0 ? `${several.length} queues ${target.place}` : target.label;
  const parts = queues.map((queue) => {
    const lines = findings.filter((finding) => finding.queue === queue).map(line);
    return [...(queue === undefined ? [] : [colors.bold(`Queue ${printable(queue)}`)]), ...lines].join("\n");
  });
  return [colors.bold(label), ...parts].join("\n\n");
}
