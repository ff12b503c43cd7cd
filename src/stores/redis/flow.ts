import { badCursor } from "../../core/store/cursor.ts";
import type { FlowLimits, FlowState, JobFlow, NewFlow } from "../../core/store/flow.ts";
import { windowEnd } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import * as scripts from "./scripts.generated.ts";
import { arrayOf, rowsOf } from "./values.ts";

// How scripts read and store flow control keys: see lua/_lanes.lua.

export function flowCalls(caller: Caller) {
  return {
    async findFlow(key, now) {
      const field = escaped(key);
      const [text] = await caller.plain(["HGET", caller.keys.flow, field]);
      return typeof text === "string" ? readFlowState(field, text, now) : undefined;
    },
    async listFlows({ cursor = "0", limit, now }) {
      // Redis takes any number of 64 bits.
      if (!/^\d{1,20}$/.test(cursor) || BigInt(cursor) >= 1n << 64n) throw badCursor();
      const [reply] = await caller.plain(["HSCAN", caller.keys.flow, cursor, "COUNT", String(limit)]);
      const [next, fields] = arrayOf(reply);
      const states = rowsOf(fields, 2, (row, at) => readFlowState(String(row[at]), String(row[at + 1]), now));
      return { items: states.flatMap((state) => state ?? []), cursor: String(next) === "0" ? undefined : String(next) };
    },
    async changeFlow(key, change, now) {
      const limits = "limits" in change ? change.limits : undefined;
      return caller.run(scripts.changeFlow, { key: escaped(key), now, ...change, ...limits });
    },
  } satisfies Partial<QueueStore>;
}

/** Escapes colons, which end a key, and percent signs, which begin an escape. */
export function escaped(key: string): string {
  return key.replaceAll("%", "%25").replaceAll(":", "%3A");
}

function unescaped(key: string): string {
  return key.replaceAll("%3A", ":").replaceAll("%25", "%");
}

/** The argument for the key of a new job. @param keepsLimits whether the limits of the key stay as they are. */
export function newFlowText(flow: NewFlow | undefined, keepsLimits = false): string {
  if (!flow) return "";
  const { concurrency, rate, periodMs, ordered } = flow.limits;
  return [escaped(flow.key), concurrency, rate, periodMs, ordered ? 1 : 0, keepsLimits ? "=" : ""].join(":");
}

export function flowPrefix(flow: JobFlow | undefined): string {
  return flow ? `2:${flow.order}:${newFlowText(flow)}` : "";
}

const flowPattern = /^2:(\d+):([^:]+):(\d+):(\d+):(\d+):(\d):/;

export function readFlow(stored: string): { readonly record: string; readonly flow?: JobFlow } {
  const match = flowPattern.exec(stored);
  if (!match) return { record: stored };
  const [text, order, key = "", ...texts] = match;
  const limits = readLimits(texts);
  return { record: stored.slice(text.length), flow: { key: unescaped(key), limits, order: Number(order) } };
}

function readLimits(texts: readonly string[]): FlowLimits {
  const [concurrency = 0, rate = 0, periodMs = 0, flags = 0] = texts.map(Number);
  return { concurrency, rate, periodMs, ordered: flags % 2 === 1 };
}

const ORDERED = 1;
const PAUSED = 2;
const PINS_CONCURRENCY = 4;
const PINS_RATE = 8;

/** Reads the state of a key; undefined if it is no longer needed. */
function readFlowState(field: string, text: string, now: number): FlowState | undefined {
  const texts = text.split(":", 12);
  // The first one is followed by the pace, and how many wait for a slot.
  const [flags = 0, running = 0, , windowEndsAt = 0, startedInWindow = 0, , behind = 0, count = 0] = texts
    .slice(3)
    .map(Number.parseFloat);
  const stored = readLimits(texts);
  // Without a rate, the period is that of the window before.
  const limits = stored.rate > 0 ? stored : { ...stored, periodMs: 0 };
  const isSet = (flag: number) => Math.floor(flags / flag) % 2 === 1;
  const waiting = behind + count;
  const isIdle = waiting === 0 && running === 0 && flags <= ORDERED;
  if (isIdle && (limits.rate === 0 || windowEndsAt <= now)) return undefined;
  return {
    key: unescaped(field),
    limits,
    running,
    waiting,
    startedInWindow,
    // A clock that was ahead may have opened the window.
    windowEndsAt: windowEnd(windowEndsAt, now, stored.periodMs),
    paused: isSet(PAUSED),
    pinned: { concurrency: isSet(PINS_CONCURRENCY), rate: isSet(PINS_RATE) },
    firstId: firstOf(text),
  };
}

/** The id at the head of a line, after twelve values, and after its order and score of 16 digits each. */
function firstOf(text: string): string | undefined {
  const [, length, rest = ""] = /^(?:[^:]+:){12}\d{32}(\d+):(.*)$/s.exec(text) ?? [];
  if (length === undefined) return undefined;
  // Lua counts bytes.
  return new TextDecoder().decode(new TextEncoder().encode(rest).slice(0, Number(length)));
}
