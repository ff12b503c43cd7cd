import { shop } from "./order.ts";

const order = shop({ url: "http://localhost:8787/queue", token: "enqueue-only" });
const form = document.querySelector("form");
const status = document.querySelector("output");
const id = crypto.randomUUID();

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const email = String(new FormData(form).get("email"));
  const answer = await order({ id, email }).catch((error: Error) => error.message);
  if (status) status.textContent = answer;
});
