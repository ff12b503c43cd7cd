"use server";
import { after } from "next/server";
import { queue, sendWelcome } from "@/queue";

export async function signUp(form: FormData) {
  await queue.enqueue(sendWelcome, { to: String(form.get("email")) });
  after(() => queue.drain({ timeBudget: "10s" })); // starts it after the response; else the next drain does
}
