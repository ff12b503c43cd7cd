import type { Finding } from "../doctor/finding.ts";
import { checkHandler } from "../doctor/handler.ts";
import { checkQueue } from "../doctor/queue.ts";
import { checkRedis } from "../doctor/redis.ts";
import { printableLines } from "../output/text.ts";
import { examples, joinLines, type Program } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, type Target } from "../target.ts";

const DESCRIPTION = `Checks the setup and says how to fix what it finds: the address, the token and its scope, the clocks,
Redis and its eviction policy, a backlog that nobody works on, dead jobs, and jobs and schedules that are in no code.

It only reads the queue. In Redis it writes one field outside the queue, and removes it again. Exits with 1 if a check fails.`;

/** `queue:doctor`: checks the setup. */
export function addDoctor(program: Program, session: Session): void {
  program
    .command("queue:doctor")
    .summary("check the setup and suggest fixes")
    .description(joinLines(DESCRIPTION))
    .addHelpText(
      "after",
      examples(
        ["tidegate queue:doctor", "check the queue that the environment names"],
        ["tidegate queue:doctor --url https://example.com/queue --module ./jobs.ts", "compare with your code too"],
      ),
    )
    .action(async () => {
      const target = await openTarget(session, program.opts());
      const findings = await examine(target, session);
      const isHealthy = findings.every(({ status }) => status !== "fail");
      session.print({ ok: isHealthy, checks: findings }, () => report(target, findings, session));
      if (!isHealthy) session.exitCode = 1;
    });
}

async function examine(target: Target, session: Session): Promise<readonly Finding[]> {
  const [way, isReachable] = await checkConnection(target, session);
  return isReachable ? [...way, ...(await checkQueue(target, session.now))] : way;
}

async function checkConnection(target: Target, session: Session): Promise<[Finding[], boolean]> {
  const now = () => session.now;
  if (target.kind === "handler") return checkHandler(target, now, session.io);
  return target.kind === "redis" ? checkRedis(target, now, session.io) : [[], true];
}

function report({ label }: Target, findings: readonly Finding[], { colors }: Session): string {
  const paints = { ok: colors.green, warn: colors.yellow, fail: colors.red, unknown: colors.dim };
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.map(({ check, status, message, advice }) => {
    const head = `${paints[status](status.padEnd(7))}  ${check.padEnd(width)}  ${printableLines(message)}`;
    const indent = " ".repeat(7 + 2 + width + 2);
    return advice === undefined ? head : `${head}\n${indent}${colors.dim(printableLines(advice))}`;
  });
  return `${colors.bold(label)}\n\n${lines.join("\n")}`;
}
