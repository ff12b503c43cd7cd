import { openTarget, queueNames, type Target } from "../connect.ts";
import { counted, printable, printableLines } from "../output/text.ts";
import { described, type Stub } from "../program.ts";
import type { Session } from "../session.ts";
import type { Finding } from "./finding.ts";
import { checkHandler } from "./handler.ts";
import { checkQueue } from "./queue.ts";
import { checkRedis } from "./redis.ts";

const DESCRIPTION = `Checks the setup and says how to fix what it finds: the address, the token and its scope, the clocks,
Redis and its eviction policy, what is paused and by whom, a backlog that nothing drains, wake-ups that come late, dead jobs,
slots of flow control keys that no job holds, schedules whose last job died, and jobs and schedules that no code defines.
It checks every queue that the handler or the module serves, or the one that --queue names.
It only reads. Exits with 1 if a check fails.`;

export function defineDoctor(command: Stub, session: Session): void {
  described(command, DESCRIPTION, [
    "tidegate queue:doctor --url https://example.com/queue --module ./jobs.ts",
    "compare with your code too",
  ]).action(async () => {
    const target = await openTarget(session);
    const findings = await examine(target, session);
    const count = (status: Finding["status"]) => findings.filter((each) => each.status === status).length;
    const [failed, warned] = [count("fail"), count("warn")];
    const status = failed > 0 ? "fail" : warned > 0 ? "warn" : "ok";
    const verdict = `${counted(failed, "failure")}, ${counted(warned, "warning")}.`;
    session.print({ ok: failed === 0, status, checks: findings }, () =>
      [...report(target, findings, session), status === "ok" ? "No problem found." : verdict].join("\n\n"),
    );
    if (failed > 0) session.exitCode = 1;
  });
}

async function examine(target: Target, session: Session): Promise<readonly Finding[]> {
  const { remote, local } = target;
  const now = () => session.now;
  let [way, isReachable]: [readonly Finding[], boolean] = [[], true];
  if (remote) [way, isReachable] = await checkHandler(remote, now, session.io);
  else if (local?.database) [way, isReachable] = await checkRedis(local.database, local.prefix ?? "", now);
  if (!isReachable) return way;
  const names = session.globals.queue === undefined ? await queueNames(target) : [];
  if (names.length < 2) return [...way, ...(await checkQueue(target, target.send, session.now))];
  const checked = names.map(async (queue) => {
    const named = { ...target, command: (words: string) => target.command(words, queue) };
    return (await checkQueue(named, target.sendTo(queue), session.now)).map((found) => ({ ...found, queue }));
  });
  return [...way, ...(await Promise.all(checked)).flat()];
}

function report(target: Target, findings: readonly Finding[], { colors }: Session): readonly string[] {
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
  return [colors.bold(label), ...parts];
}
