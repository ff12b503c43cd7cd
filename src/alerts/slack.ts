import { paceText } from "../core/manage/pace.ts";
import type { AlertMessage } from "./message.ts";
import type { AlertRequest } from "./target.ts";

export function slackRequest(message: AlertMessage): AlertRequest {
  const title = titleOf(message);
  const lines = [`*${escaped(title)}*`, ...detailsOf(message)];
  const { url } = message;
  if (url !== null) lines.push(`<${escaped(url)}|Open the dashboard>`);
  const text = { type: "mrkdwn", text: lines.join("\n") };
  return { body: JSON.stringify({ text: escaped(title), blocks: [{ type: "section", text }] }) };
}

function titleOf({ type, queue, name, count, pace }: AlertMessage): string {
  const dead = `${counted(count, name === null ? "job" : `${name} job`)} dead in the queue ${queue}`;
  switch (type) {
    case "growing":
      return `The queue ${queue} grows: ${counted(count, "job")} ready`;
    case "silent":
      return `Nothing drains the queue ${queue}: ${counted(count, "job")} ready`;
    case "failures":
      return name === null ? `Too many kinds of failures for a message each: ${dead}` : dead;
    case "over":
      if (pace) return `The queue ${queue} grows no longer: ${counted(count, "job")} ready`;
      if (name === null) return `The queue ${queue} is drained again`;
      return `Over, no ${name} job has died for an hour: ${dead}`;
  }
}

const perMinute = (jobs: number): string => (Math.round(jobs * 10) / 10).toLocaleString("en-US");

const minutes = (ms: number): string => `${Math.ceil(ms / 60_000).toLocaleString("en-US")} min`;

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? " is" : "s are"}`;
}

function detailsOf({ type, error, firstAt, lastAt, pace, count }: AlertMessage): string[] {
  if (pace) return [`${paceText({ pace, readyCount: count }, perMinute, minutes)}.`];
  if (type === "silent" && firstAt !== null) return [`The oldest has been due since ${when(firstAt)}.`];
  if (!error || firstAt === null || lastAt === null) return [];
  const text = error.message === null ? error.name : `${error.name}: ${error.message}`;
  return [`> ${escaped(text)}`, `First ${when(firstAt)}, last ${when(lastAt)}.`];
}

/** A time that Slack shows in the time zone of each reader. */
function when(time: string): string {
  return `<!date^${Math.floor(Date.parse(time) / 1_000)}^{date_short_pretty} {time_secs}|${time}>`;
}

/** Keeps a text on one line, and from being read as a link, or as a mention that notifies people. */
function escaped(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
