"use server";
import { after } from "next/server";
import { InvalidPayloadError } from "tidegate";
import { queue, sendWelcome } from "@/queue";

/** Returns what is wrong with the form, if anything is. */
export async function signUp(_: string | undefined, form: FormData) {
  try {
    await queue.enqueue(sendWelcome, { to: String(form.get("email")) });
  } catch (error) {
    if (error instanceof InvalidPayloadError) return error.issues.map(({ message }) => message).join(" ");
    throw error;
  }
  after(() => queue.drain({ timeBudget: "10s" })); // starts it after the response; else the next drain does
}
