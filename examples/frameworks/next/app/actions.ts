"use server";
import { after } from "next/server";
import { InvalidPayloadError } from "tidegate";
import { sendWelcome } from "@/jobs";
import { queue } from "@/queue";

/** What is wrong with the form, or a token that lets the page watch the job. */
type Outcome = { problem?: string; token?: string };

export async function signUp(_: Outcome, form: FormData): Promise<Outcome> {
  try {
    const { id } = await queue.enqueue(sendWelcome, { to: String(form.get("email")) });
    after(() => queue.drain({ timeBudget: "10s" })); // starts it after the response; otherwise the next drain does
    return { token: await queue.watchToken(id, { ttl: "10m" }) };
  } catch (error) {
    if (!(error instanceof InvalidPayloadError)) throw error;
    return { problem: error.issues.map(({ message }) => message).join(" ") };
  }
}
